//! Pays tokens by the second: a salary, or an award that vests. After Sablier's linear streams.
//!
//! What has flowed is the recipient's, whatever happens; what has not is the sender's, who may cancel. Each takes their own: a
//! recipient whom a token does not pay keeps no sender from theirs, and the other way round.
#![no_std]
use esker_sdk::prelude::*;

/// A token that is paid.
#[interface]
pub trait IToken {
    /// How many tokens `account` has.
    fn balance_of(&self, account: Address) -> U256;
    /// Moves tokens of the caller's.
    fn transfer(&mut self, to: Address, value: U256) -> bool;
    /// Moves tokens of `from`'s, which allowed it.
    fn transfer_from(&mut self, from: Address, to: Address, value: U256) -> bool;
}

/// Streams of tokens.
#[contract]
pub mod vesting_stream {
    use super::*;

    /// A stream. Amounts are in the token's smallest unit, times in seconds.
    #[derive(Abi, Stored)]
    pub struct Stream {
        /// Who pays.
        pub sender: Address,
        /// When it begins to flow.
        pub start_time: u64,
        /// Who is paid.
        pub recipient: Address,
        /// When all has flowed.
        pub stop_time: u64,
        /// With what.
        pub token: Address,
        /// Whether the sender ended it: `deposit` is then what had flowed.
        pub is_canceled: bool,
        /// How much flows in all.
        pub deposit: U256,
        /// How much the recipient took.
        pub withdrawn: U256,
    }

    /// All streams.
    #[storage]
    pub struct VestingStream {
        streams: List<Stream>,
    }

    /// A stream began.
    #[event]
    pub struct StreamCreated {
        #[indexed]
        pub stream_id: u64,
        #[indexed]
        pub sender: Address,
        #[indexed]
        pub recipient: Address,
        pub token: Address,
        pub deposit: U256,
        pub start_time: u64,
        pub stop_time: u64,
    }

    /// The recipient had `amount` paid to `to`.
    #[event]
    #[rustfmt::skip]
    pub struct Withdrawn { #[indexed] pub stream_id: u64, #[indexed] pub to: Address, pub amount: U256 }

    /// The sender ended a stream and has `sender_amount` back; `recipient_amount` is left to the recipient.
    #[event]
    #[rustfmt::skip]
    pub struct StreamCanceled { #[indexed] pub stream_id: u64, pub sender_amount: U256, pub recipient_amount: U256 }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// There is no such stream.
        NoStream { stream_id: u64 },
        /// Nobody else is paid but the sender, the contract, or nobody.
        InvalidRecipient { recipient: Address },
        /// It stops after it starts, and has not begun.
        InvalidTimes { start_time: u64, stop_time: u64 },
        /// Something has to flow.
        NoDeposit,
        /// Only the sender may.
        NotSender { caller: Address },
        /// Only the recipient may.
        NotRecipient { caller: Address },
        /// That much has not flowed, or was taken.
        TooMuch { withdrawable: U256, amount: U256 },
        /// It was ended, or has come to its end.
        Ended { stream_id: u64 },
    }
    use Error::*;

    impl VestingStream {
        /// Has the caller's tokens flow to `recipient` from `start_time` to `stop_time`, as many as arrive of `deposit`. Gives
        /// the stream's id.
        #[returns(streamId)]
        pub fn create(
            &mut self,
            cx: &mut Context,
            recipient: Address,
            token: Address,
            deposit: U256,
            start_time: u64,
            stop_time: u64,
        ) -> Result<u64, Error> {
            let sender = cx.sender();
            let is_somebody = !recipient.is_zero() && recipient != sender && recipient != cx.address();
            ensure!(is_somebody, InvalidRecipient { recipient });
            let is_ahead = cx.timestamp() <= start_time && start_time < stop_time;
            ensure!(is_ahead, InvalidTimes { start_time, stop_time });
            let tokens = ITokenHandle::at(token);
            let before = tokens.balance_of(cx.address()).call(cx);
            tokens.transfer_from(sender, cx.address(), deposit).call_optional(cx);
            // Some tokens keep a fee: what did not arrive must not be paid out of other streams.
            let deposit = tokens.balance_of(cx.address()).call(cx) - before;
            ensure!(deposit > 0, NoDeposit);
            let stream_id = self.streams.len();
            let (is_canceled, withdrawn) = (false, U256::ZERO);
            let stream = Stream { sender, start_time, recipient, stop_time, token, is_canceled, deposit, withdrawn };
            self.streams.push(stream);
            cx.emit(StreamCreated { stream_id, sender, recipient, token, deposit, start_time, stop_time });
            Ok(stream_id)
        }

        /// Pays `to` an `amount` of what has flowed, for the recipient.
        pub fn withdraw(&mut self, cx: &mut Context, stream_id: u64, to: Address, amount: U256) -> Result<(), Error> {
            let stream = self.stream(stream_id)?;
            ensure!(cx.sender() == stream.recipient, NotRecipient { caller: cx.sender() });
            let withdrawable = flowed(&stream, cx.timestamp()) - stream.withdrawn;
            ensure!(amount <= withdrawable, TooMuch { withdrawable, amount });
            self.streams.at_mut(stream_id).withdrawn.add(amount);
            cx.emit(Withdrawn { stream_id, to, amount });
            ITokenHandle::at(stream.token).transfer(to, amount).call_optional(cx);
            Ok(())
        }

        /// Ends a stream, for its sender, who gets back what has not flowed.
        pub fn cancel(&mut self, cx: &mut Context, stream_id: u64) -> Result<(), Error> {
            let stream = self.stream(stream_id)?;
            ensure!(cx.sender() == stream.sender, NotSender { caller: cx.sender() });
            let is_running = !stream.is_canceled && cx.timestamp() < stream.stop_time;
            ensure!(is_running, Ended { stream_id });
            let flowed = flowed(&stream, cx.timestamp());
            let (sender_amount, recipient_amount) = (stream.deposit - flowed, flowed - stream.withdrawn);
            let mut ended = self.streams.at_mut(stream_id);
            ended.is_canceled.set(true);
            ended.deposit.set(flowed);
            cx.emit(StreamCanceled { stream_id, sender_amount, recipient_amount });
            ITokenHandle::at(stream.token).transfer(stream.sender, sender_amount).call_optional(cx);
            Ok(())
        }

        /// How many streams there are; their ids begin with 0.
        pub fn count(&self) -> u64 {
            self.streams.len()
        }

        /// A stream as it stands.
        pub fn stream(&self, stream_id: u64) -> Result<Stream, Error> {
            ensure!(stream_id < self.streams.len(), NoStream { stream_id });
            Ok(self.streams.get(stream_id))
        }

        /// How much of a stream the recipient may take now.
        pub fn withdrawable(&self, cx: &Context, stream_id: u64) -> Result<U256, Error> {
            let stream = self.stream(stream_id)?;
            Ok(flowed(&stream, cx.timestamp()) - stream.withdrawn)
        }

        /// How much of a stream has not flowed: what the sender would get back.
        pub fn refundable(&self, cx: &Context, stream_id: u64) -> Result<U256, Error> {
            let stream = self.stream(stream_id)?;
            Ok(stream.deposit - flowed(&stream, cx.timestamp()))
        }
    }

    /// How much has flowed at a time, rounded down: in favour of what can still be given back.
    fn flowed(stream: &Stream, time: u64) -> U256 {
        if stream.is_canceled || time >= stream.stop_time {
            return stream.deposit;
        }
        let (elapsed, duration) = (time.saturating_sub(stream.start_time), stream.stop_time - stream.start_time);
        stream.deposit.mul_div(U256::from(elapsed), U256::from(duration), Rounding::Floor)
    }
}
pub use vesting_stream::*;
