//! The fuel of one frame, as the host sees it.

use esker_abi::FUEL_PER_GAS;

/// What is left of a frame's fuel. It never goes below zero: a charge that does not fit leaves nothing and fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    fuel: u64,
}

/// A charge was larger than what was left. The frame ends with [`crate::Halt::OutOfGas`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("out of gas")]
pub struct OutOfFuel;

impl Meter {
    /// A meter that holds `fuel`.
    #[must_use]
    pub const fn new(fuel: u64) -> Self {
        Self { fuel }
    }

    /// Fuel left.
    #[must_use]
    pub const fn fuel(&self) -> u64 {
        self.fuel
    }

    /// Gas left, rounded down.
    #[must_use]
    pub const fn gas(&self) -> u64 {
        self.fuel / FUEL_PER_GAS
    }

    /// Takes `fuel` away.
    ///
    /// # Errors
    /// [`OutOfFuel`] if less is left; the meter is then empty.
    pub const fn charge_fuel(&mut self, fuel: u64) -> Result<(), OutOfFuel> {
        match self.fuel.checked_sub(fuel) {
            Some(left) => {
                self.fuel = left;
                Ok(())
            }
            None => {
                self.fuel = 0;
                Err(OutOfFuel)
            }
        }
    }

    /// Takes `gas` × 10,000 fuel away.
    ///
    /// # Errors
    /// [`OutOfFuel`] if less is left; the meter is then empty.
    pub const fn charge_gas(&mut self, gas: u64) -> Result<(), OutOfFuel> {
        self.charge_fuel(gas.saturating_mul(FUEL_PER_GAS))
    }

    /// Gives back gas that a callee did not use.
    pub const fn return_gas(&mut self, gas: u64) {
        self.fuel = self.fuel.saturating_add(gas.saturating_mul(FUEL_PER_GAS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_that_does_not_fit_empties_the_meter() {
        let mut meter = Meter::new(FUEL_PER_GAS + 1);
        assert_eq!(meter.gas(), 1);
        assert_eq!(meter.charge_gas(1), Ok(()));
        assert_eq!(meter.fuel(), 1);
        assert_eq!(meter.charge_fuel(2), Err(OutOfFuel));
        assert_eq!(meter.fuel(), 0);
    }
}
