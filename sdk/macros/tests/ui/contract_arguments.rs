use esker_sdk::prelude::*;

#[contract(logs(Transfer))]
mod token {
    #[storage]
    pub struct Token {}
}

fn main() {}
