use esker_sdk::prelude::*;

#[contract(erc165(IErc4906))]
mod named {
    #[storage]
    pub struct Named {}
}

#[contract(erc165(0x1_0000_0000))]
mod long {
    #[storage]
    pub struct Long {}
}

#[contract(erc165(0x49064906, 0xffffffff))]
mod nothing {
    #[storage]
    pub struct Nothing {}
}

#[component(erc165(0x49064906))]
mod part {
    #[storage]
    pub struct Part {}
}

fn main() {}
