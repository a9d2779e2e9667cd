//! Code that would inflate to half a gigabyte: wherever it comes from it halts as an illegal module, and no memory is taken.
//!
//! The one test of this binary, since it watches how much memory the process has had.

mod everywhere;
#[path = "../../../runtime/tests/world/mod.rs"]
mod world;

use std::collections::BTreeMap;
use std::io::Write;

use alloy_primitives::{Address, Bytes, TxKind};
use esker_runtime::exec::ExecutionStatus;
use esker_runtime::simulate::{AccountOverride, CallRequest, SimulateOptions, simulate};
use esker_vm::{Halt, envelope};
use everywhere::{block, engines, everywhere};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use world::*;

const MIB: usize = 1 << 20;

/// A stream that makes `mebibytes` of zeros.
fn stream(mebibytes: usize) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![0; MIB];
    for _ in 0..mebibytes {
        encoder.write_all(&zeros).expect("a vector takes everything");
    }
    encoder.finish().expect("a vector takes everything")
}

/// An envelope that promises `promised` bytes of its stream.
fn inflating(stream: &[u8], promised: u32) -> Bytes {
    let bytes = u32::try_from(stream.len()).expect("zeros compress");
    [&envelope::MAGIC[..], &[envelope::VERSION], &promised.to_be_bytes(), &bytes.to_be_bytes(), stream].concat().into()
}

/// Most memory that this process has had so far, in KiB, where the system says so.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

const ILLEGAL: ExecutionStatus = ExecutionStatus::Halt(Halt::IllegalModule);
const VICTIM: Address = Address::repeat_byte(0xc1);

#[test]
fn code_that_inflates_without_end_halts_and_takes_no_memory() {
    // Honest about its size, and not; 512 MiB as simulations may bring them, 64 as fit a deploy payload.
    let (large, small) = (stream(512), stream(64));
    let honest = |mebibytes: u32| mebibytes << 20;
    let codes = [
        (&large, honest(512)),
        (&large, 256 << 10),
        (&large, 8),
        (&small, honest(64)),
        (&small, 256 << 10),
        (&small, 8),
    ];
    let codes = codes.map(|(stream, promised)| inflating(stream, promised));
    // Everything that is started once has been started.
    let plain = esker_hostile::module(r#"(module (memory (export "memory") 1) (func (export "call")))"#);
    let mut ledger = ledger();
    ledger.put_contract(CONTRACT, envelope::encode(&plain).into());
    let call = signed(0, transaction(0, TxKind::Call(CONTRACT), 0, Bytes::new()));
    assert!(everywhere("a plain call", &ledger, &[call]).results[0].status.is_success());
    let before = peak_kib();

    for code in &codes {
        let (config, env) = (config(), block());
        let overrides = BTreeMap::from([(VICTIM, AccountOverride { code: Some(code.clone()), ..Default::default() })]);
        let options = SimulateOptions { overrides, ..SimulateOptions::default() };
        let request = CallRequest { from: signer(0), kind: TxKind::Call(VICTIM), ..CallRequest::default() };
        for (name, engine) in engines() {
            let simulated =
                esker_vm::simulation(engine, |session| simulate(session, &ledger, &config, &env, &request, &options))
                    .expect("there is a place")
                    .expect("it is executed");
            assert_eq!(simulated.status, ILLEGAL, "{name}, {} bytes", code.len());
            assert_eq!(simulated.gas_used, options.gas_cap, "{name}: all gas is burnt");
        }
        // As a deploy payload, and as the code of an account, which it could only become by a fault.
        let mut create = transaction(0, TxKind::Create, 0, code.clone());
        create.gas_limit = 20_000_000;
        if code.len() <= config.payload_bytes_max {
            let built = everywhere("a payload", &ledger, &[signed(0, create)]);
            assert_eq!((built.results[0].status, built.results[0].gas_used), (ILLEGAL, 20_000_000));
        }
        let mut broken = ledger.clone();
        broken.put_contract(VICTIM, code.clone());
        let call = signed(0, transaction(0, TxKind::Call(VICTIM), 0, Bytes::new()));
        assert_eq!(everywhere("an account's code", &broken, &[call]).results[0].status, ILLEGAL);
    }

    assert!(codes.iter().any(|code| code.len() <= config().payload_bytes_max), "some fit a deploy payload");
    match (before, peak_kib()) {
        (Some(before), Some(after)) => {
            println!("{} KiB more than before", after - before);
            assert!(after - before < 64 * 1024, "{} KiB were taken", after - before);
        }
        _ => println!("this system does not say how much memory the process has had"),
    }
}
