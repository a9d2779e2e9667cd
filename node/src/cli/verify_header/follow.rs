//! Following, from what is trusted to the block that is wanted.

use std::path::Path;
use std::time::{Duration, Instant};

use alloy_primitives::B256;
use esker_light::{Accepted, Clock, Fork, Header, LightBlock, LightError, TrustedState};

use super::kept::{Kept, Named, Notes};
use super::source::Source;
use super::{Wanted, refused};
use crate::cli::bar::Bar;
use crate::cli::failure::Failure;

/// What was followed.
pub(super) struct Followed {
    /// What is trusted now.
    pub trusted: TrustedState,
    /// What is to be known of it beside.
    pub notes: Notes,
    /// For how long sets are trusted, in seconds; older ones too if the clock allows it, but that is noted.
    pub trust_period: u64,
    /// The fork that was found.
    pub fork: Option<Box<Fork>>,
    /// Number and hash of the block that was trusted to begin with.
    pub first: (u64, B256),
    /// What the last block was accepted with; none if it is the first.
    pub accepted: Option<Accepted>,
    /// Blocks that came to be trusted.
    pub blocks: u64,
    /// Ends of epochs among them.
    pub epochs: u64,
    /// After how many of these another set decided.
    pub set_changes: u64,
    /// Bytes of the blocks: headers, certificates, proofs.
    pub bytes: usize,
    /// What checking them took.
    pub took: Duration,
}

impl Followed {
    pub(super) const fn new(trusted: TrustedState, notes: Notes, trust_period: u64) -> Self {
        let first = (trusted.header().number, trusted.header().hash);
        Self {
            trusted,
            notes,
            trust_period,
            fork: None,
            first,
            accepted: None,
            blocks: 0,
            epochs: 0,
            set_changes: 0,
            bytes: 0,
            took: Duration::ZERO,
        }
    }

    /// Follows as far as `wanted`. What is trusted is saved in the file `kept` now and then.
    pub(super) async fn follow(
        &mut self,
        source: &mut Source,
        wanted: Wanted,
        clock: Clock,
        kept: Option<&Path>,
    ) -> Result<(), Failure> {
        let Some(target) = source.wanted(wanted).await? else {
            while let [block] = &source.next(0).await?[..] {
                self.accept(block, clock, source)?;
            }
            return Ok(());
        };
        let number = match Header::decode(&target.header) {
            Ok(header) => header.number,
            Err(error) => return Err(refused("the wanted block", &error.into())),
        };
        if let Wanted::Number(asked) = wanted
            && asked != number
        {
            return Err(Failure::failed(format!("{} gave block {number}, asked for was {asked}", source.name()))
                .hint("ask another server"));
        }
        let known = self.trusted.header().number;
        if wanted == Wanted::Latest && number < known {
            return Err(Failure::infrastructure(format!("{} is behind", source.name()))
                .because(format!("its last block is {number}, and block {known} is trusted already"))
                .hint("ask another server, or wait until it has caught up"));
        }
        let bar = Bar::new(number, "following the validators {bar:40} block {pos}/{len} {elapsed}");
        while self.trusted.epoch_end() < number {
            bar.reach(self.trusted.header().number);
            self.follow_some(source, number, clock).await?;
            if let Some(path) = kept {
                Kept::save(path, &self.trusted, self.notes)?;
            }
        }
        self.accept(&target, clock, source)
    }

    /// Follows some epochs, as many as the server answers with, and at least one.
    async fn follow_some(&mut self, source: &mut Source, until: u64, clock: Clock) -> Result<(), Failure> {
        let blocks = source.next(self.trusted.header().number).await?;
        let needed = self.trusted.epoch_end();
        for block in &blocks {
            let (found, needed) = (Header::decode(&block.header).map(|header| header.number), self.trusted.epoch_end());
            if needed >= until {
                return Ok(());
            }
            // A server could have the client go through every single block, or through the same one for ever.
            if let Ok(found) = found
                && found != needed
            {
                return Err(Failure::failed(format!("{} gave block {found}", source.name()))
                    .because(format!("the next one that ends an epoch is {needed}"))
                    .hint("ask another server"));
            }
            self.accept(block, clock, source)?;
        }
        if blocks.is_empty() {
            return Err(Failure::infrastructure(format!("{} does not give block {needed}", source.name()))
                .because("it ends an epoch, and says who decides the blocks after it")
                .hint("ask another server"));
        }
        Ok(())
    }

    fn accept(&mut self, block: &LightBlock, clock: Clock, source: &Source) -> Result<(), Failure> {
        let before = self.trusted.header();
        let (known, age) = (before.number, clock.now.saturating_sub(before.timestamp));
        let begun = Instant::now();
        let accepted = self.trusted.advance(block, clock);
        self.took += begun.elapsed();
        let accepted = accepted.map_err(|error| {
            if let LightError::Fork(fork) = &error {
                self.fork = Some(fork.clone());
            }
            let number =
                Header::decode(&block.header).map_or("a block".to_owned(), |header| format!("block {}", header.number));
            refused(&format!("{number} from {}", source.name()), &error)
        })?;
        self.accepted = (accepted.total_power > 0).then_some(accepted);
        let Header { number, hash, .. } = *self.trusted.header();
        if number == known {
            return Ok(());
        }
        self.blocks += 1;
        self.bytes += block.bytes();
        self.epochs += u64::from(self.trusted.chain().epochs().ends_with(number));
        self.set_changes += u64::from(accepted.set_changed);
        if age > self.trust_period {
            self.notes.unchecked = Some(Named { number, hash });
        }
        Ok(())
    }
}
