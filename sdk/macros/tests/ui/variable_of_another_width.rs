use esker_sdk::prelude::*;

#[contract]
mod token {
    use super::*;

    #[storage]
    pub struct Token {
        total: Cell<U256>,
    }

    impl Token {
        pub fn grow(&mut self, by: u64) -> bool {
            self.total.add(by);
            let doubled = self.total.get() + by;
            doubled > by
        }
    }
}

fn main() {}
