//! Which of our errors Uniswap's words stand for.

use esker_amm_factory::Error as FactoryError;
use esker_amm_pair::{Error as PoolError, shares::shares::Error as SharesError};
use esker_amm_router::Error;
use esker_erc20::Error as TokenError;
use esker_sdk::{Address, ContractError, Panic, SafeERC20FailedOperation, U256};
use esker_tests::solidity::Ran;

/// The selector of `Error(string)`.
const WORDS: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];

/// What tells one reason from another: the selector, and which panic it is.
type Reason = Vec<u8>;

fn reason(data: &[u8]) -> Reason {
    let is_panic = data.starts_with(&Panic::Overflow.encode()[..4]);
    data[..data.len().min(if is_panic { 36 } else { 4 })].to_vec()
}

fn error(error: impl ContractError) -> Reason {
    reason(&error.encode())
}

fn panic(panic: Panic) -> Reason {
    panic.encode()
}

/// What a token of the tests reverts with: words nowhere.
fn of_tokens() -> Vec<Reason> {
    let (zero, nobody) = (U256::ZERO, Address::ZERO);
    vec![
        error(TokenError::ERC20InsufficientBalance { sender: nobody, balance: zero, needed: zero }),
        error(TokenError::ERC20InsufficientAllowance { spender: nobody, allowance: zero, needed: zero }),
        error(TokenError::ERC20InvalidReceiver { receiver: nobody }),
        error(TokenError::ERC20InvalidSender { sender: nobody }),
        error(SafeERC20FailedOperation { token: nobody }),
        panic(Panic::Overflow),
        Vec::new(),
    ]
}

/// What the pools and the factory say.
fn of_pools(words: &str) -> Vec<Reason> {
    let owner = Address::ZERO;
    vec![match words {
        "UniswapV2: FORBIDDEN" => error(FactoryError::Forbidden),
        "UniswapV2: IDENTICAL_ADDRESSES" => error(FactoryError::IdenticalAddresses),
        "UniswapV2: ZERO_ADDRESS" => error(FactoryError::ZeroAddress),
        "UniswapV2: PAIR_EXISTS" => error(FactoryError::PairExists),
        "UniswapV2: INSUFFICIENT_LIQUIDITY_MINTED" => error(PoolError::InsufficientLiquidityMinted),
        "UniswapV2: INSUFFICIENT_LIQUIDITY_BURNED" => error(PoolError::InsufficientLiquidityBurned),
        "UniswapV2: INSUFFICIENT_OUTPUT_AMOUNT" => error(PoolError::InsufficientOutputAmount),
        "UniswapV2: INSUFFICIENT_LIQUIDITY" => error(PoolError::InsufficientLiquidity),
        "UniswapV2: INSUFFICIENT_INPUT_AMOUNT" => error(PoolError::InsufficientInputAmount),
        "UniswapV2: INVALID_TO" => error(PoolError::InvalidTo),
        "UniswapV2: OVERFLOW" => error(PoolError::Overflow),
        "UniswapV2: K" => error(PoolError::K),
        "UniswapV2: INVALID_SIGNATURE" => error(SharesError::InvalidSignature { owner }),
        "UniswapV2: TRANSFER_FAILED" => return of_tokens(),
        "ds-math-add-overflow" | "ds-math-sub-underflow" | "ds-math-mul-overflow" => panic(Panic::Overflow),
        _ => return Vec::new(),
    }]
}

/// What Uniswap's router and its library say.
fn of_the_router(words: &str) -> Vec<Reason> {
    vec![match words {
        // A permit's deadline is the call's; there it is the pool that says so.
        "UniswapV2Router: EXPIRED" | "UniswapV2: EXPIRED" => error(Error::Expired),
        "UniswapV2Router: INSUFFICIENT_A_AMOUNT" => error(Error::InsufficientAAmount),
        "UniswapV2Router: INSUFFICIENT_B_AMOUNT" => error(Error::InsufficientBAmount),
        "UniswapV2Router: INSUFFICIENT_OUTPUT_AMOUNT" | "UniswapV2Library: INSUFFICIENT_OUTPUT_AMOUNT" => {
            error(Error::InsufficientOutputAmount)
        }
        "UniswapV2Router: EXCESSIVE_INPUT_AMOUNT" => error(Error::ExcessiveInputAmount),
        "UniswapV2Router: INVALID_PATH" | "UniswapV2Library: INVALID_PATH" => error(Error::InvalidPath),
        "UniswapV2Library: INSUFFICIENT_AMOUNT" => error(Error::InsufficientAmount),
        "UniswapV2Library: INSUFFICIENT_INPUT_AMOUNT" => error(Error::InsufficientInputAmount),
        "UniswapV2Library: INSUFFICIENT_LIQUIDITY" => error(Error::InsufficientLiquidity),
        "TransferHelper: ETH_TRANSFER_FAILED" => error(Error::NotTaken { receiver: Address::ZERO }),
        // More than the pool has is asked of it: ours says so, and Uniswap's library underflows, or overflows before.
        "ds-math-sub-underflow" | "ds-math-mul-overflow" => error(Error::InsufficientLiquidity),
        "TransferHelper: TRANSFER_FAILED" | "TransferHelper: TRANSFER_FROM_FAILED" => return of_tokens(),
        _ => return Vec::new(),
    }]
}

fn words_of(data: &[u8]) -> Option<String> {
    let text = data.strip_prefix(&WORDS)?.get(32..)?;
    let length = usize::from(text[30]) << 8 | usize::from(text[31]);
    String::from_utf8(text.get(32..32 + length)?.to_vec()).ok()
}

fn ours_of(ran: &Ran) -> Reason {
    match ran {
        Ran::Reverted(data) => reason(data),
        _ => panic!("ours does not halt: {ran:?}"),
    }
}

/// Beside the model, which says what ours says: only pools and factory are Uniswap's own. Solidity 0.5 halts where it divides
/// by zero or an index is out of bounds.
pub fn of_the_models(ours: &Ran, theirs: &Ran) -> bool {
    if ours == theirs {
        return true;
    }
    let ours = ours_of(ours);
    match theirs {
        Ran::Reverted(data) if data.is_empty() => ours == panic(Panic::DivisionByZero),
        Ran::Reverted(data) => words_of(data).is_some_and(|words| of_pools(&words).contains(&ours)),
        Ran::Halted => ours == panic(Panic::IndexOutOfBounds),
        Ran::Returned(..) => false,
    }
}

/// Beside Uniswap's own router. Ours looks for all pools of a path before anything moves, and for the deadline before it
/// looks for a pool; Uniswap's calls a pool that is not there, and fails without a word, or with another one before.
pub fn of_uniswap(ours: &Ran, theirs: &Ran) -> bool {
    let nobody = Address::ZERO;
    let is_missing = error(Error::NoPair { token_a: nobody, token_b: nobody });
    let ours = ours_of(ours);
    match theirs {
        _ if ours == is_missing => true,
        // An assertion, an index out of bounds or a division by zero, of 0.6 and of 0.5.
        Ran::Halted => {
            let errors = [error(Error::NotWeth), error(Error::InvalidPath), error(Error::InsufficientLiquidity)];
            errors.contains(&ours) || ours == panic(Panic::IndexOutOfBounds)
        }
        Ran::Reverted(data) if data.is_empty() => {
            let without_code = error(SafeERC20FailedOperation { token: nobody });
            let errors = [Vec::new(), error(Error::Expired), panic(Panic::DivisionByZero), without_code];
            errors.contains(&ours)
        }
        Ran::Reverted(data) => words_of(data).is_some_and(|words| {
            let is_early = ours == error(Error::Expired) && words.starts_with("UniswapV2Library: ");
            is_early || of_pools(&words).contains(&ours) || of_the_router(&words).contains(&ours)
        }),
        Ran::Returned(..) => false,
    }
}
