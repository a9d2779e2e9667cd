#![allow(missing_docs)]
use esker_sdk::prelude::*;

#[component]
mod token {
    use super::*;
    #[storage]
    pub struct Token { supply: Cell<U256> }
    #[error]
    pub enum Error { No }
    type Result<T> = core::result::Result<T, Error>;
    impl Token {
        #[hook]
        fn before_update(&mut self) -> Result<()> { Ok(()) }
        #[hook]
        fn fee(&self, value: U256) -> core::result::Result<U256, Error> { Ok(value) }
    }
    #[cfg(test)]
    impl Token {
        #[hook]
        fn sometimes(&mut self) {}
    }
}

#[component]
mod hooked {
    use super::*;
    #[storage]
    pub struct Hooked { count: Cell<u64> }
    impl Hooked {
        #[hook]
        fn before_update(&mut self) {}
    }
}

#[contract]
mod gold {
    use super::hooked::Hooked;
    #[storage]
    struct Gold { hooked: Hooked, second: Hooked, third: Hooked }
    impl Gold {
        #[hook(hooked.before_update)]
        pub fn anybody(&mut self) {}
        #[hook(second.before_update)]
        #[internal]
        pub fn nobody(&mut self) {}
    }
    #[cfg(test)]
    impl Gold {
        #[hook(third.before_update)]
        fn sometimes(&mut self) {}
        #[constructor]
        pub fn new(&mut self) {}
    }
}

fn main() {}
