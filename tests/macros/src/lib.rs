//! `#[test]` for a test binary with a harness of its own: the standard harness can do nothing once all
//! tests have run.

use proc_macro::{TokenStream, TokenTree};

/// Registers the function with `crate::harness`, under the name that the standard harness would give
/// it.
///
/// # Panics
/// While compiling, on what is no function.
#[proc_macro_attribute]
pub fn test(_options: TokenStream, function: TokenStream) -> TokenStream {
    let mut tokens = function.clone().into_iter();
    let name = tokens
        .by_ref()
        .find(|token| matches!(token, TokenTree::Ident(word) if word.to_string() == "fn"))
        .and_then(|_| tokens.next());
    let Some(name) = name else {
        panic!("a test is a function");
    };
    let registration = format!(
        "::inventory::submit! {{ \
             crate::harness::Test {{ path: concat!(module_path!(), \"::{name}\"), run: {name} }} \
         }}"
    );
    match registration.parse::<TokenStream>() {
        Ok(registration) => [function, registration].into_iter().collect(),
        Err(error) => panic!("{error}"),
    }
}
