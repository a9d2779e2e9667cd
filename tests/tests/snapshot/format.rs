//! The format of `docs/spec/snapshot.md`, written and read a second time, from the page: what the node's own code is
//! compared with, and what makes files that it would never write.

use alloy_primitives::{B256, keccak256};

pub const HEADER: u8 = 1;
pub const GENESIS: u8 = 2;
pub const CERTIFICATE: u8 = 3;
pub const ANCESTORS: u8 = 4;
pub const TRANSACTIONS: u8 = 5;
pub const RECEIPTS: u8 = 6;
pub const CODES: u8 = 7;
pub const ACCOUNTS: u8 = 8;
pub const END: u8 = 9;

/// A snapshot without its seals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    pub version: u32,
    pub chain_id: u64,
    pub chunks: Vec<(u8, Vec<u8>)>,
}

fn take<'b>(bytes: &mut &'b [u8], count: usize) -> &'b [u8] {
    let (taken, rest) = bytes.split_at(count);
    *bytes = rest;
    taken
}

impl Parts {
    /// Reads a sound file.
    pub fn read(mut bytes: &[u8]) -> Self {
        let preamble = take(&mut bytes, 20);
        let mut seal = keccak256(preamble);
        assert_eq!(&preamble[..8], b"\xEFESKSNAP");
        let version = u32::from_be_bytes(preamble[8..12].try_into().expect("4 bytes"));
        let chain_id = u64::from_be_bytes(preamble[12..].try_into().expect("8 bytes"));
        let mut chunks = Vec::new();
        while !bytes.is_empty() {
            let head = take(&mut bytes, 5);
            let length = u32::from_be_bytes(head[1..].try_into().expect("4 bytes"));
            let payload = take(&mut bytes, length as usize);
            seal = keccak256([seal.as_slice(), head, payload].concat());
            assert_eq!(take(&mut bytes, 32), seal.as_slice(), "every chunk is sealed with all before it");
            chunks.push((head[0], payload.to_vec()));
        }
        Self { version, chain_id, chunks }
    }

    /// The file, each chunk sealed as it must be.
    pub fn write(&self) -> Vec<u8> {
        let mut out = b"\xEFESKSNAP".to_vec();
        out.extend(self.version.to_be_bytes());
        out.extend(self.chain_id.to_be_bytes());
        let mut seal: B256 = keccak256(&out);
        for (kind, payload) in &self.chunks {
            let mut chunk = vec![*kind];
            chunk.extend((payload.len() as u32).to_be_bytes());
            chunk.extend(payload);
            seal = keccak256([seal.as_slice(), &chunk].concat());
            out.extend(chunk);
            out.extend(seal);
        }
        out
    }

    /// The payload of the first chunk of this kind.
    pub fn payload(&mut self, kind: u8) -> &mut Vec<u8> {
        let chunk = self.chunks.iter_mut().find(|(found, _)| *found == kind);
        &mut chunk.expect("the snapshot has such a chunk").1
    }

    /// The records of all accounts and slots, in order.
    pub fn records(&self) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        for (_, payload) in self.chunks.iter().filter(|(kind, _)| *kind == ACCOUNTS) {
            let mut rest = payload.as_slice();
            while !rest.is_empty() {
                let length = record_length(rest);
                records.push(take(&mut rest, length).to_vec());
            }
        }
        records
    }

    /// Replaces the accounts by one chunk of these records, and the counts at the end by theirs.
    pub fn set_records(&mut self, records: &[Vec<u8>]) {
        let first = self.chunks.iter().position(|(kind, _)| *kind == ACCOUNTS).unwrap_or(self.chunks.len() - 1);
        self.chunks.retain(|(kind, _)| *kind != ACCOUNTS);
        if !records.is_empty() {
            self.chunks.insert(first, (ACCOUNTS, records.concat()));
        }
        let slots = records.iter().filter(|record| record[0] == 4).count() as u64;
        let accounts = records.len() as u64 - slots;
        let counts = self.payload(END);
        counts[..8].copy_from_slice(&accounts.to_be_bytes());
        counts[8..16].copy_from_slice(&slots.to_be_bytes());
    }
}

/// Length of the account or slot that these bytes begin with.
fn record_length(bytes: &[u8]) -> usize {
    match bytes[0] {
        4 => 1 + 32 + 1 + usize::from(bytes[33]),
        tag => 1 + 32 + 8 + 1 + usize::from(bytes[41]) + 32 * (tag & 1) as usize + 32 * (tag >> 1) as usize,
    }
}
