//! What the wasm module of a contract exports and carries.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Ident;

/// Whether the crate being compiled is the contract being built: see the top of `esker-sdk`'s `lib.rs`.
fn is_the_contract_being_built() -> bool {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match variable("ESKER_CONTRACT") {
        Some(name) => variable("CARGO_CRATE_NAME").is_some_and(|this| this == name),
        None => variable("CARGO_PRIMARY_PACKAGE").is_some(),
    }
}

/// The wasm exports and the ABI section, or nothing; and the mention that lets cargo notice a change of the variable.
pub fn expand(storage: &Ident) -> TokenStream {
    let tracked = quote! {
        #[cfg(target_arch = "wasm32")]
        const _: ::core::option::Option<&str> = ::core::option_env!("ESKER_CONTRACT");
    };
    if !is_the_contract_being_built() {
        return tracked;
    }
    quote! {
        #tracked

        #[cfg(target_arch = "wasm32")]
        #[unsafe(no_mangle)]
        #[allow(unsafe_code, reason = "the module's exports have fixed names")]
        extern "C" fn call() {
            __call();
        }

        // Without a constructor too: the host would let a deployment without one take coins.
        #[cfg(target_arch = "wasm32")]
        #[unsafe(no_mangle)]
        #[allow(unsafe_code, reason = "the module's exports have fixed names")]
        extern "C" fn deploy() {
            __deploy();
        }

        // Natively nobody reads the section, and writing it takes the compiler a while.
        #[cfg(target_arch = "wasm32")]
        const LENGTH: usize = ::esker_sdk::expansion::json_len(__ESKER_ABI);
        #[cfg(target_arch = "wasm32")]
        #[unsafe(link_section = "esker.abi")]
        #[allow(unsafe_code, reason = "the ABI travels in a custom section")]
        static SECTION: [u8; LENGTH] = ::esker_sdk::expansion::json_bytes(__ESKER_ABI);

        // For the build alone, which takes it out: see `layout_json` in the SDK.
        #[cfg(target_arch = "wasm32")]
        const LAYOUT_LENGTH: usize = ::esker_sdk::expansion::layout_len::<#storage>();
        #[cfg(target_arch = "wasm32")]
        #[unsafe(link_section = "esker-layout")]
        #[allow(unsafe_code, reason = "the layout travels in a custom section")]
        static LAYOUT: [u8; LAYOUT_LENGTH] = ::esker_sdk::expansion::layout_bytes::<#storage, LAYOUT_LENGTH>();
        #[cfg(target_arch = "wasm32")]
        const DOCS_LENGTH: usize = ::esker_sdk::expansion::docs_len(__ESKER_ABI);
        #[cfg(target_arch = "wasm32")]
        #[unsafe(link_section = "esker.docs")]
        #[allow(unsafe_code, reason = "the documentation travels to the artifact in a custom section")]
        static DOCS_SECTION: [u8; DOCS_LENGTH] = ::esker_sdk::expansion::docs_bytes(__ESKER_ABI);
    }
}
