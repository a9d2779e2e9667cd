//! What nodes say to each other to catch up.

use bytes::Bytes;
use malachite::app::types::PeerId;
use malachite::app::types::codec::HasEncodedLen;
use malachite::app::types::core::ExtendedCommitCertificate;
use malachite_sync::{RawDecidedValue, Request, Response, Status, ValueRequest, ValueResponse};

use super::wire::{DecodeError, Reader, Writer};
use super::{BLOCK_BYTES_MAX, Codec, EskerCodec, SYNC_BLOCKS_MAX, Wire, codec, decode, encode};
use crate::consensus::context::EskerContext;

/// Longest peer id, in bytes.
const PEER_ID_BYTES_MAX: usize = 128;

codec!(Status<EskerContext>, Request<EskerContext>, Response<EskerContext>);

impl HasEncodedLen<Response<EskerContext>> for EskerCodec {
    fn encoded_len(&self, message: &Response<EskerContext>) -> Result<usize, DecodeError> {
        let Response::ValueResponse(response) = message;
        let value = |value: &RawDecidedValue<EskerContext>| {
            let mut certificate = Writer::default();
            value.certificate.write(&mut certificate);
            4 + value.value_bytes.len() + certificate.finish().len()
        };
        Ok(8 + 4 + response.values.iter().map(value).sum::<usize>())
    }
}

impl Wire for Status<EskerContext> {
    fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.peer_id.to_bytes());
        writer.height(self.tip_height);
        writer.height(self.history_min_height);
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let peer_id = PeerId::from_bytes(&reader.bytes("a peer id's bytes", PEER_ID_BYTES_MAX)?)
            .map_err(|_| DecodeError::Tag { what: "a peer id", found: 0 })?;
        Ok(Self { peer_id, tip_height: reader.height()?, history_min_height: reader.height()? })
    }
}

impl Wire for Request<EskerContext> {
    fn write(&self, writer: &mut Writer) {
        let Self::ValueRequest(request) = self;
        writer.height(*request.range.start());
        writer.height(*request.range.end());
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let (start, end) = (reader.height()?, reader.height()?);
        Ok(Self::ValueRequest(ValueRequest::new(start..=end)))
    }
}

impl Wire for RawDecidedValue<EskerContext> {
    fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.value_bytes);
        self.certificate.write(writer);
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let value_bytes = reader.bytes("a block's bytes", BLOCK_BYTES_MAX)?;
        Ok(Self::new(value_bytes, ExtendedCommitCertificate::read(reader)?))
    }
}

impl Wire for Response<EskerContext> {
    fn write(&self, writer: &mut Writer) {
        let Self::ValueResponse(response) = self;
        writer.height(response.start_height);
        writer.length(response.values.len());
        for value in &response.values {
            value.write(writer);
        }
    }

    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let start_height = reader.height()?;
        let values = reader.list("blocks", SYNC_BLOCKS_MAX, RawDecidedValue::read)?;
        Ok(Self::ValueResponse(ValueResponse::new(start_height, values)))
    }
}
