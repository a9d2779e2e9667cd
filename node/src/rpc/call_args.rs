//! The transaction object of `eth_call`, `eth_estimateGas`, `eth_sendTransaction` and their kin.

use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, Bytes, U256};
use serde_json::{Map, Value};

use super::params::FromParam;

/// A transaction as a caller describes it; everything may be left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallArgs {
    /// Sender.
    pub from: Option<Address>,
    /// Recipient; none for a creation.
    pub to: Option<Address>,
    /// Gas limit.
    pub gas: Option<u64>,
    /// Price of a legacy or EIP-2930 transaction, in wei per gas.
    pub gas_price: Option<u128>,
    /// Fee cap of an EIP-1559 transaction, in wei per gas.
    pub max_fee_per_gas: Option<u128>,
    /// Tip cap of an EIP-1559 transaction, in wei per gas.
    pub max_priority_fee_per_gas: Option<u128>,
    /// Value, in wei.
    pub value: Option<U256>,
    /// Nonce.
    pub nonce: Option<u64>,
    /// Input or creation payload, from `input` or `data`.
    pub input: Option<Bytes>,
    /// EIP-2930 access list.
    pub access_list: Option<AccessList>,
    /// Chain id.
    pub chain_id: Option<u64>,
    /// Transaction type.
    pub kind: Option<u64>,
}

fn field<T: FromParam>(fields: &Map<String, Value>, name: &str) -> Result<Option<T>, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => T::from_param(value).map(Some).map_err(|reason| format!("{name}: {reason}")),
    }
}

impl FromParam for AccessListItem {
    fn from_param(value: &Value) -> Result<Self, String> {
        let fields = value.as_object().ok_or("an access list entry must be an object")?;
        Ok(Self {
            address: field::<Address>(fields, "address")?.ok_or("an access list entry needs an address")?,
            storage_keys: field::<Vec<B256>>(fields, "storageKeys")?.unwrap_or_default(),
        })
    }
}

impl FromParam for CallArgs {
    fn from_param(value: &Value) -> Result<Self, String> {
        let fields = value.as_object().ok_or("a transaction must be an object")?;
        for name in ["blobVersionedHashes", "blobs", "maxFeePerBlobGas", "authorizationList"] {
            if fields.get(name).is_some_and(|value| !value.is_null()) {
                return Err(format!("{name}: transaction type not supported"));
            }
        }
        let input = field::<Bytes>(fields, "input")?;
        let data = field::<Bytes>(fields, "data")?;
        if let (Some(input), Some(data)) = (&input, &data)
            && input != data
        {
            return Err("both \"data\" and \"input\" are set and not equal. \
                Please use \"input\" to pass transaction call data"
                .to_owned());
        }
        let args = Self {
            from: field(fields, "from")?,
            to: field(fields, "to")?,
            gas: field(fields, "gas")?,
            gas_price: field(fields, "gasPrice")?,
            max_fee_per_gas: field(fields, "maxFeePerGas")?,
            max_priority_fee_per_gas: field(fields, "maxPriorityFeePerGas")?,
            value: field(fields, "value")?,
            nonce: field(fields, "nonce")?,
            input: input.or(data),
            access_list: field::<Vec<AccessListItem>>(fields, "accessList")?.map(AccessList),
            chain_id: field(fields, "chainId")?,
            kind: field(fields, "type")?,
        };
        if args.gas_price.is_some() && (args.max_fee_per_gas.is_some() || args.max_priority_fee_per_gas.is_some()) {
            return Err("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified".to_owned());
        }
        match args.kind {
            None | Some(0..=2) => Ok(args),
            Some(_) => Err("transaction type not supported".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_transaction_object_is_read() {
        let args = CallArgs::from_param(&json!({
            "from": Address::repeat_byte(1), "to": null, "gas": "0x5208", "maxFeePerGas": "0x7", "value": "0x0",
            "data": "0x0102", "input": "0x0102", "type": "0x2",
            "accessList": [{"address": Address::repeat_byte(2), "storageKeys": [B256::ZERO]}],
        }))
        .expect("a good object");
        assert_eq!(args.from, Some(Address::repeat_byte(1)));
        assert_eq!((args.to, args.gas, args.max_fee_per_gas), (None, Some(21000), Some(7)));
        assert_eq!(args.input, Some(Bytes::from_static(&[1, 2])));
        assert_eq!(args.access_list.map(|list| list.0.len()), Some(1));
    }

    #[test]
    fn contradictions_and_unsupported_types_are_refused() {
        for (object, needle) in [
            (json!({"data": "0x01", "input": "0x02"}), "both \"data\" and \"input\" are set and not equal"),
            (json!({"gasPrice": "0x1", "maxFeePerGas": "0x1"}), "both gasPrice and"),
            (json!({"type": "0x3"}), "transaction type not supported"),
            (json!({"blobVersionedHashes": []}), "transaction type not supported"),
            (json!({"authorizationList": []}), "transaction type not supported"),
            (json!({"gas": "0x01"}), "gas: hex number with leading zero digits"),
            (json!([]), "must be an object"),
        ] {
            let error = CallArgs::from_param(&object).unwrap_err();
            assert!(error.contains(needle), "{object}: {error}");
        }
    }
}
