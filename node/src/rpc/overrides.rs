//! What `eth_call` pretends: replaced accounts, a replaced block.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use esker_runtime::BlockEnv;
use esker_runtime::simulate::{AccountOverride, StateOverrides};
use serde_json::{Map, Value};

use super::params::FromParam;

/// The state overrides of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateOverridesParam(pub StateOverrides);

fn field<T: FromParam>(fields: &Map<String, Value>, name: &str) -> Result<Option<T>, String> {
    let given = fields.get(name).filter(|value| !value.is_null());
    given.map(|value| T::from_param(value).map_err(|reason| format!("{name}: {reason}"))).transpose()
}

/// Slots and values, keyed by full 32-byte hashes.
struct Slots(BTreeMap<B256, B256>);

impl FromParam for Slots {
    fn from_param(value: &Value) -> Result<Self, String> {
        let fields = value.as_object().ok_or("storage must be an object")?;
        let entry = |(slot, value): (&String, &Value)| {
            Ok((B256::from_param(&Value::String(slot.clone()))?, B256::from_param(value)?))
        };
        fields.iter().map(entry).collect::<Result<_, String>>().map(Self)
    }
}

impl FromParam for AccountOverride {
    fn from_param(value: &Value) -> Result<Self, String> {
        let fields = value.as_object().ok_or("an account override must be an object")?;
        let state = field::<Slots>(fields, "state")?;
        let state_diff = field::<Slots>(fields, "stateDiff")?;
        if state.is_some() && state_diff.is_some() {
            return Err("an account has both 'state' and 'stateDiff'".to_owned());
        }
        if fields.get("movePrecompileToAddress").is_some_and(|value| !value.is_null()) {
            return Err("movePrecompileToAddress is not supported".to_owned());
        }
        Ok(Self {
            balance: field::<U256>(fields, "balance")?,
            nonce: field(fields, "nonce")?,
            code: field::<Bytes>(fields, "code")?,
            state: state.map(|slots| slots.0),
            state_diff: state_diff.map(|slots| slots.0).unwrap_or_default(),
        })
    }
}

impl FromParam for StateOverridesParam {
    fn from_param(value: &Value) -> Result<Self, String> {
        let fields = value.as_object().ok_or("state overrides must be an object")?;
        let entry = |(address, value): (&String, &Value)| {
            let account = Address::from_param(&Value::String(address.clone()))?;
            let replaced = AccountOverride::from_param(value).map_err(|reason| format!("{address}: {reason}"))?;
            Ok((account, replaced))
        };
        fields.iter().map(entry).collect::<Result<_, String>>().map(Self)
    }
}

/// The block overrides of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockOverrides {
    number: Option<u64>,
    time: Option<u64>,
    gas_limit: Option<u64>,
    fee_recipient: Option<Address>,
    prev_randao: Option<B256>,
    base_fee: Option<u64>,
}

impl FromParam for BlockOverrides {
    fn from_param(value: &Value) -> Result<Self, String> {
        let fields = value.as_object().ok_or("block overrides must be an object")?;
        Ok(Self {
            number: field(fields, "number")?,
            time: field(fields, "time")?,
            gas_limit: field(fields, "gasLimit")?,
            fee_recipient: field(fields, "feeRecipient")?,
            prev_randao: field(fields, "prevRandao")?,
            base_fee: field(fields, "baseFeePerGas")?,
        })
    }
}

impl BlockOverrides {
    /// Replaces what is named.
    pub fn apply(self, env: &mut BlockEnv) {
        env.number = self.number.unwrap_or(env.number);
        env.timestamp = self.time.unwrap_or(env.timestamp);
        env.gas_limit = self.gas_limit.unwrap_or(env.gas_limit);
        env.beneficiary = self.fee_recipient.unwrap_or(env.beneficiary);
        env.mix_hash = self.prev_randao.unwrap_or(env.mix_hash);
        env.base_fee = self.base_fee.unwrap_or(env.base_fee);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn overrides_are_read_and_contradictions_refused() {
        let address = Address::repeat_byte(1);
        let slot = B256::repeat_byte(2);
        let good = json!({ address.to_string(): {"balance": "0x1", "stateDiff": {slot.to_string(): slot}} });
        let overrides = StateOverridesParam::from_param(&good).expect("good overrides").0;
        assert_eq!(overrides[&address].balance, Some(U256::from(1)));
        assert_eq!(overrides[&address].state_diff[&slot], slot);
        for bad in [
            json!({ address.to_string(): {"state": {}, "stateDiff": {}} }),
            json!({ "0x12": {} }),
            json!({ address.to_string(): {"stateDiff": {"0x0": slot}} }),
            json!([]),
        ] {
            assert!(StateOverridesParam::from_param(&bad).is_err(), "{bad}");
        }
    }
}
