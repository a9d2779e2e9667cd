//! From Rust's names to Solidity's.

use syn::Ident;

/// `snake_case` to `camelCase`, without leading underscores or `r#`.
pub fn camel_case(ident: &Ident) -> String {
    let text = ident.to_string();
    let text = text.trim_start_matches("r#").trim_start_matches('_');
    let mut words = text.split('_');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

/// The name itself, without `r#`.
pub fn plain(ident: &Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::Span;

    #[test]
    fn names_become_solidity_s() {
        for (rust, solidity) in
            [("transfer_from", "transferFrom"), ("_owner", "owner"), ("r#type", "type"), ("x", "x"), ("a_1b", "a1b")]
        {
            let ident = match rust.strip_prefix("r#") {
                Some(raw) => Ident::new_raw(raw, Span::call_site()),
                None => Ident::new(rust, Span::call_site()),
            };
            assert_eq!(camel_case(&ident), solidity);
        }
    }
}
