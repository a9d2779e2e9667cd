//! What every machine is asked to do, and the modules that do it.

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// A call that does nothing and returns nothing.
    Trivial,
    /// [`SENDER`] moves [`AMOUNT`] tokens to [`RECIPIENT`]: the kernel's token on wasm, OpenZeppelin's on an EVM.
    Transfer,
    /// The same with the token of each library: Esker's and OpenZeppelin's. The other machines have none here.
    LibraryTransfer,
    /// 1,000 times keccak-256 of 1 KiB, in contract code where the machine has no instruction for it.
    Keccak,
    /// The same with the hash function that the machine has for its contracts: the instruction on an EVM.
    HostKeccak,
    /// fib(27) by naive recursion.
    Fib,
    /// Product of two 64 × 64 matrices of 64-bit numbers.
    Matmul,
    /// 2,000 multiplications modulo 2^256, each on the result of the last.
    Mul256,
    /// Quicksort of 4,096 numbers.
    Sort,
}

impl Work {
    /// All of it, in the table's order, which is the declaration's.
    pub const ALL: [Self; 9] = [
        Self::Trivial,
        Self::Transfer,
        Self::LibraryTransfer,
        Self::Keccak,
        Self::HostKeccak,
        Self::Fib,
        Self::Matmul,
        Self::Mul256,
        Self::Sort,
    ];

    /// The row's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trivial => "trivial call",
            Self::Transfer => "ERC-20 transfer",
            Self::LibraryTransfer => "ERC-20 transfer, library's contract",
            Self::Keccak => "keccak of 1 KiB in contract code × 1000",
            Self::HostKeccak => "keccak of 1 KiB by the machine × 1000",
            Self::Fib => "fib(27)",
            Self::Matmul => "64×64 matmul",
            Self::Mul256 => "256-bit multiply × 2000",
            Self::Sort => "sort of 4096",
        }
    }

    /// What the command line and the machine-readable output call it.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Trivial => "trivial",
            Self::Transfer => "transfer",
            Self::LibraryTransfer => "library-transfer",
            Self::Keccak => "keccak",
            Self::HostKeccak => "host-keccak",
            Self::Fib => "fib",
            Self::Matmul => "matmul",
            Self::Mul256 => "mul256",
            Self::Sort => "sort",
        }
    }

    /// The call's input.
    pub fn input(self) -> Vec<u8> {
        if self.is_transfer() { transfer_input() } else { Vec::new() }
    }

    /// Whether a call moves tokens and emits one event.
    pub const fn is_transfer(self) -> bool {
        matches!(self, Self::Transfer | Self::LibraryTransfer)
    }

    /// The kernel's text, where there is one.
    const fn kernel(self) -> Option<&'static str> {
        match self {
            Self::Trivial | Self::LibraryTransfer => None,
            Self::Transfer => Some(include_str!("../wat/kernels/token.wat")),
            Self::Keccak => Some(include_str!("../wat/kernels/keccak.wat")),
            Self::HostKeccak => Some(include_str!("../wat/kernels/host_keccak.wat")),
            Self::Fib => Some(include_str!("../wat/kernels/fib.wat")),
            Self::Matmul => Some(include_str!("../wat/kernels/matmul.wat")),
            Self::Mul256 => Some(include_str!("../wat/kernels/mul256.wat")),
            Self::Sort => Some(include_str!("../wat/kernels/sort.wat")),
        }
    }
}

/// Who holds the whole supply at first and sends.
pub const SENDER: [u8; 20] = [0x5e; 20];
/// Who receives.
pub const RECIPIENT: [u8; 20] = [0xc4; 20];
/// Tokens of a transfer.
pub const AMOUNT: u64 = 3;
/// All tokens there are.
pub const SUPPLY: u64 = 1 << 60;

/// A number as a 32-byte big-endian word.
pub fn word(number: u64) -> [u8; 32] {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&number.to_be_bytes());
    word
}

/// An address as a 32-byte word.
pub fn address_word(address: [u8; 20]) -> [u8; 32] {
    let mut word = [0; 32];
    word[12..].copy_from_slice(&address);
    word
}

/// balanceOf(address) in Ethereum's ABI.
pub fn balance_input(account: [u8; 20]) -> Vec<u8> {
    [[0x70, 0xa0, 0x82, 0x31].as_slice(), &address_word(account)].concat()
}

/// transfer(address,uint256) in Ethereum's ABI.
fn transfer_input() -> Vec<u8> {
    [[0xa9, 0x05, 0x9c, 0xbb].as_slice(), &address_word(RECIPIENT), &word(AMOUNT)].concat()
}

/// The modules around a kernel that one machine's interface asks for, as text with places for what they share.
pub struct Shims {
    /// A module that does nothing.
    pub trivial: &'static str,
    /// Around a kernel that needs no host.
    pub compute: &'static str,
    /// Around the kernel that hashes, on a machine with a hash function.
    pub hashing: Option<&'static str>,
    /// Around the token.
    pub token: &'static str,
}

impl Shims {
    /// The module around the work's kernel, if there is one for this machine.
    fn shim(&self, work: Work) -> Option<&'static str> {
        match work {
            Work::Trivial => Some(self.trivial),
            Work::Transfer => Some(self.token),
            Work::LibraryTransfer => None,
            Work::HostKeccak => self.hashing,
            Work::Keccak | Work::Fib | Work::Matmul | Work::Mul256 | Work::Sort => Some(self.compute),
        }
    }

    /// All modules there are for this machine, in wasm's binary format, with what they do.
    pub fn modules(&self) -> Vec<(Work, Vec<u8>)> {
        let module = |work: Work| {
            let kernel = work.kernel().map(|kernel| [include_str!("../wat/kernels/prelude.wat"), kernel].concat());
            let text = self
                .shim(work)?
                .replace("{{kernel}}", &kernel.unwrap_or_default())
                .replace("{{hex}}", include_str!("../wat/kernels/hex.wat"))
                .replace("{{regions}}", include_str!("../wat/cosmwasm/regions.wat"));
            Some((work, wat::parse_str(&text).unwrap_or_else(|error| panic!("{}: {error}", work.name()))))
        };
        Work::ALL.into_iter().filter_map(module).collect()
    }
}
