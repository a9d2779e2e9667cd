//! A price that several reporters tell: the median of what they said last. It is the oracle that the lending pool asks for.
//!
//! A median lies between two honest reports while more than half of those that are counted are honest, and old reports are
//! not counted. So a few reporters that lie or sleep change little, and when too many sleep there is no price at all, which
//! is better than a wrong one.
#![no_std]
use esker_components::access::ownable::{Error as OwnerError, Ownable};
use esker_sdk::prelude::*;

/// Keeps the last report of each reporter.
#[contract]
pub mod price_feed {
    use super::*;

    /// Most reporters: a price is found by looking at all of them.
    const MOST_REPORTERS: u64 = 15;

    /// What somebody said.
    #[derive(Abi, Stored, Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Report {
        /// The price, never zero once it was told.
        pub price: Uint<192>,
        /// When, as a block's time in seconds.
        pub updated_at: u64,
    }

    /// Who may report, and what they did.
    #[storage]
    pub struct PriceFeed {
        #[flatten]
        #[expose]
        ownable: Ownable,
        lifetime: Cell<u64>,
        reporters: List<Address>,
        places: Map<Address, u64>,
        reports: Map<Address, Report>,
    }

    /// `reporter` says that the price is `price`.
    #[event]
    #[rustfmt::skip]
    pub struct Reported { #[indexed] pub reporter: Address, pub price: U256 }

    /// `reporter` may report.
    #[event]
    #[rustfmt::skip]
    pub struct ReporterAdded { #[indexed] pub reporter: Address }

    /// `reporter` may not report any more, and what it said is not counted.
    #[event]
    #[rustfmt::skip]
    pub struct ReporterRemoved { #[indexed] pub reporter: Address }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// Only reporters report.
        NotReporter { caller: Address },
        /// It is a reporter already.
        ReporterThere { reporter: Address },
        /// There are as many reporters as there can be.
        TooManyReporters,
        /// A price is above zero and below 2^192.
        InvalidPrice { price: U256 },
        /// Reports count for at least a second.
        InvalidLifetime,
        /// More than half of the reporters must have reported lately.
        TooFewReports { fresh: u64, needed: u64 },
        #[from] Owner(OwnerError),
    }
    use Error::*;

    impl PriceFeed {
        /// A feed whose `owner` names the reporters, each of whose reports counts for `lifetime` seconds. It should be no longer
        /// than those who ask let a price be old, which is an hour in the lending pool: a price is as old as the oldest report
        /// that counts, so else a single reporter that sleeps would keep it from them.
        #[constructor]
        pub fn new(&mut self, cx: &mut Context, owner: Address, lifetime: u64) -> Result<(), Error> {
            ensure!(lifetime > 0, InvalidLifetime);
            self.lifetime.set(lifetime);
            self.ownable.init(cx, owner)?;
            Ok(())
        }

        /// How many seconds a report counts.
        pub fn lifetime(&self) -> u64 {
            self.lifetime.get()
        }

        /// Who may report.
        pub fn reporters(&self) -> Vec<Address> {
            self.reporters.to_vec()
        }

        /// What `reporter` said last; zeros if it said nothing since it became one.
        pub fn report_of(&self, reporter: Address) -> Report {
            self.reports.get(reporter)
        }

        /// The median of the reports that count, the lower of two that are in the middle, and the time of the oldest of them.
        #[returns(price, updatedAt)]
        pub fn price(&self, cx: &Context) -> Result<(U256, u64), Error> {
            let (now, lifetime) = (cx.timestamp(), self.lifetime.get());
            let (mut fresh, mut oldest) = (Vec::<U256>::new(), now);
            for reporter in self.reporters.iter() {
                let Report { price, updated_at } = self.reports.get(reporter);
                let price = price.get();
                if price > 0 && now - updated_at <= lifetime {
                    fresh.insert(fresh.partition_point(|other| *other < price), price);
                    oldest = oldest.min(updated_at);
                }
            }
            let (count, needed) = (fresh.len() as u64, self.reporters.len() / 2 + 1);
            ensure!(count >= needed, TooFewReports { fresh: count, needed });
            Ok((fresh[(fresh.len() - 1) / 2], oldest))
        }

        /// Says what the price is.
        pub fn report(&mut self, cx: &mut Context, price: U256) -> Result<(), Error> {
            let reporter = cx.sender();
            ensure!(self.places.get(reporter) > 0, NotReporter { caller: reporter });
            let told = Uint::<192>::new(price).filter(|_| price > 0).ok_or(InvalidPrice { price })?;
            self.reports.set(reporter, Report { price: told, updated_at: cx.timestamp() });
            cx.emit(Reported { reporter, price });
            Ok(())
        }

        /// Lets somebody report.
        #[only(ownable.owner)]
        pub fn add_reporter(&mut self, cx: &mut Context, reporter: Address) -> Result<(), Error> {
            ensure!(self.places.get(reporter) == 0, ReporterThere { reporter });
            ensure!(self.reporters.len() < MOST_REPORTERS, TooManyReporters);
            self.reporters.push(reporter);
            self.places.set(reporter, self.reporters.len());
            cx.emit(ReporterAdded { reporter });
            Ok(())
        }

        /// Takes a reporter and what it said away.
        #[only(ownable.owner)]
        pub fn remove_reporter(&mut self, cx: &mut Context, reporter: Address) -> Result<(), Error> {
            let place = self.places.get(reporter);
            ensure!(place > 0, NotReporter { caller: reporter });
            self.reporters.swap_remove(place - 1);
            if place <= self.reporters.len() {
                self.places.set(self.reporters.get(place - 1), place);
            }
            self.places.set(reporter, 0);
            self.reports.set(reporter, Report { price: Uint::default(), updated_at: 0 });
            cx.emit(ReporterRemoved { reporter });
            Ok(())
        }
    }
}
pub use self::price_feed::*;
