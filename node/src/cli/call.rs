//! `esker call`: ask a contract without sending a transaction.

use alloy_primitives::{Address, Bytes, U64, U256};
use clap::Args;
use serde_json::{Value, json};

use super::abi::decode::outputs;
use super::abi::render::{list_json, text};
use super::abi::values::parse_address;
use super::abi::{Call, Decoder, InterfaceArgs};
use super::answer::{Answer, printable};
use super::failure::Failure;
use super::rpc::{Rpc, RpcArgs, RpcFailure};
use super::units::{parse_amount, parse_quantity};

/// `esker call`.
#[derive(Args, Clone, Debug)]
pub struct CallArgs {
    /// The contract's address
    #[arg(value_parser = parse_address)]
    pub to: Address,

    /// The method: a signature like "balanceOf(address)(uint256)", a name with --artifact or --abi, or 0x call data
    #[arg(value_name = "SIGNATURE|METHOD")]
    pub method: String,

    /// The method's arguments
    #[arg(value_name = "ARGS", allow_negative_numbers = true)]
    pub arguments: Vec<String>,

    #[command(flatten)]
    interface: InterfaceArgs,

    #[command(flatten)]
    rpc: RpcArgs,

    /// The account that asks
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    from: Option<Address>,

    /// Coins that the call pretends to send along
    #[arg(long, value_name = "AMOUNT", value_parser = parse_amount)]
    value: Option<U256>,

    /// Gas limit
    #[arg(long, value_name = "GAS", value_parser = parse_quantity)]
    gas_limit: Option<u64>,

    /// The block whose state is asked: a number, a hash, or latest, pending, safe, finalized, earliest
    #[arg(long, default_value = "latest", value_parser = parse_block)]
    block: Value,
}

/// Reads a block's number, hash or tag as JSON-RPC wants it.
///
/// # Errors
/// If the text is none.
pub fn parse_block(text: &str) -> Result<Value, String> {
    if ["latest", "pending", "safe", "finalized", "earliest"].contains(&text) {
        return Ok(json!(text));
    }
    if text.len() == 66 && text.starts_with("0x") {
        let hash: alloy_primitives::B256 =
            text.parse().map_err(|error| format!("{text:?} is no block hash: {error}"))?;
        return Ok(json!(hash));
    }
    let number = parse_quantity(text).map_err(|_| {
        format!("{text:?} is no block: write a number, a hash, or latest, pending, safe, finalized, earliest")
    })?;
    Ok(json!(U64::from(number)))
}

/// Asks, and decodes the answer.
///
/// # Errors
/// If the call reverts, the server refuses it, or the arguments do not fit.
pub async fn run(args: &CallArgs) -> Result<Answer, Failure> {
    let abi = args.interface.load()?;
    let call = Call::encode(&abi, &args.method, &args.arguments)?;
    let decoder = Decoder::new(abi);
    let rpc = Rpc::new(&args.rpc)?;
    if args.rpc.chain_id.is_some() {
        rpc.chain_id().await?;
    }
    let mut request = json!({"to": args.to, "input": call.data});
    if let Some(from) = args.from {
        request["from"] = json!(from);
    }
    if let Some(value) = args.value {
        request["value"] = json!(value);
    }
    if let Some(gas) = args.gas_limit {
        request["gas"] = json!(U64::from(gas));
    }
    let output: Bytes = match rpc.request("eth_call", &[request, args.block.clone()]).await {
        Ok(output) => output,
        Err(RpcFailure::Refused(refusal)) if !refusal.is_unknown_method() => {
            let failure = Failure::failed("the call failed").with("rpcCode", refusal.code);
            return Err(match refusal.revert_data() {
                Some(data) if !data.is_empty() => {
                    let revert = decoder.revert(&data);
                    failure.because(revert.text()).with("revert", revert.json())
                }
                Some(data) => failure.because(printable(&refusal.message)).with("revert", decoder.revert(&data).json()),
                None => failure.because(format!("{} (code {})", printable(&refusal.message), refusal.code)),
            });
        }
        Err(failure) => return Err(failure.into()),
    };
    let function = call.function.filter(|function| !function.outputs.is_empty());
    let Some(function) = function else {
        return Ok(Answer::new(output.to_string(), json!({"output": output, "values": null})));
    };
    if output.is_empty() {
        return Err(no_output(&rpc, args).await);
    }
    let values = outputs(&function, &output).map_err(|reason| {
        Failure::failed(format!("the answer is not what {} gives", function.signature_with_outputs()))
            .because(format!("{reason}; it is {output}"))
            .hint("check the results in the signature")
            .with("output", output.to_string())
    })?;
    let lines: Vec<String> = values.iter().map(|named| text(&named.value)).collect();
    Ok(Answer::new(lines.join("\n"), json!({"output": output, "values": list_json(&values)})))
}

/// Nothing came back where results were expected: most often nothing is there.
async fn no_output(rpc: &Rpc, args: &CallArgs) -> Failure {
    let failure = Failure::failed(format!("{} gave no result", args.to)).with("output", "0x");
    let code = rpc.request::<Bytes>("eth_getCode", &[json!(args.to), args.block.clone()]).await;
    match code {
        Ok(code) if code.is_empty() => failure
            .because("there is no contract at that address")
            .hint("check the address, and that --rpc-url is the right chain"),
        _ => failure.because("the method returned nothing").hint("check the signature: name, parameters and results"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_numbers_hashes_or_tags() {
        assert_eq!(parse_block("16"), Ok(json!("0x10")));
        assert_eq!(parse_block("0x10"), Ok(json!("0x10")));
        assert_eq!(parse_block("finalized"), Ok(json!("finalized")));
        let hash = format!("0x{}", "ab".repeat(32));
        assert_eq!(parse_block(&hash), Ok(json!(hash)));
        for bad in ["newest", "-1", "", "0xzz"] {
            assert!(parse_block(bad).is_err(), "{bad}");
        }
    }
}
