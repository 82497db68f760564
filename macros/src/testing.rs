//! `#[distributed_scope::test]`: a test on a network of peers, which are its parameters.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, ExprRange, FnArg, Ident, ItemFn, Lit, Pat, RangeLimits, Type};

/// The arguments of the attribute.
struct Args {
    /// Where the crate `distributed-scope` is found.
    krate: TokenStream,
    /// The seeds that the test runs with.
    seeds: TokenStream,
}

/// A parameter of the test.
enum Parameter {
    Net,
    Peer(Ident),
}

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let Args { krate, seeds } = parse_args(args)?;
    let mut function: ItemFn = syn::parse2(item)?;
    if function.sig.asyncness.is_none() {
        return Err(syn::Error::new(
            function.sig.fn_token.span,
            "a test of distributed functions is an `async fn`",
        ));
    }
    if !function.sig.generics.params.is_empty() {
        return Err(syn::Error::new(
            function.sig.generics.span(),
            "a test has no generic parameters: its parameters are peers and the network",
        ));
    }
    let parameters: Vec<_> = function.sig.inputs.iter().map(parameter).collect::<syn::Result<_>>()?;
    let peers: Vec<_> = parameters
        .iter()
        .filter_map(|parameter| match parameter {
            Parameter::Peer(name) => Some(name),
            Parameter::Net => None,
        })
        .collect();
    let names = peers.iter().map(|peer| peer.to_string());
    let arguments = parameters.iter().map(|parameter| match parameter {
        Parameter::Net => quote!(::core::clone::Clone::clone(&__net)),
        Parameter::Peer(name) => name.to_token_stream(),
    });
    let name = function.sig.ident.clone();
    let attributes = std::mem::take(&mut function.attrs);
    let visibility = std::mem::replace(&mut function.vis, syn::Visibility::Inherited);
    let output = &function.sig.output;
    let output = match output {
        syn::ReturnType::Default => quote!(()),
        syn::ReturnType::Type(_, ty) => ty.to_token_stream(),
    };
    Ok(quote! {
        #[::core::prelude::v1::test]
        #(#attributes)*
        #visibility fn #name() {
            #function
            #krate::testing::__private::run_seeds::<#output>(#seeds, async |__net: #krate::testing::Net| {
                #(let #peers = __net.peer(#names).expose(#krate::Blocks::all()).start();)*
                #krate::testing::__private::connect_all(&[#(&#peers),*]).await;
                #name(#(#arguments),*).await
            });
        }
    })
}

fn parameter(input: &FnArg) -> syn::Result<Parameter> {
    const WHAT: &str =
        "a parameter of a test is a peer, which it names: `server: Peer`, or the network: `net: Net`";
    let FnArg::Typed(input) = input else {
        return Err(syn::Error::new(input.span(), WHAT));
    };
    let (Pat::Ident(name), Type::Path(ty)) = (&*input.pat, &*input.ty) else {
        return Err(syn::Error::new(input.span(), WHAT));
    };
    match ty.path.segments.last() {
        Some(last) if last.ident == "Net" => Ok(Parameter::Net),
        Some(last) if last.ident == "Peer" => Ok(Parameter::Peer(name.ident.clone())),
        Some(_) | None => Err(syn::Error::new(input.ty.span(), WHAT)),
    }
}

fn parse_args(tokens: TokenStream) -> syn::Result<Args> {
    let mut args = Args { krate: quote!(::distributed_scope), seeds: quote!(0..1) };
    let parser = syn::meta::parser(|meta| {
        if meta.path.is_ident("crate") {
            args.krate = meta.value()?.call(syn::Path::parse_mod_style)?.into_token_stream();
            return Ok(());
        }
        if meta.path.is_ident("seeds") {
            args.seeds = seeds(&meta.value()?.parse()?)?;
            return Ok(());
        }
        let name = meta.path.to_token_stream().to_string().replace(' ', "");
        Err(meta.error(format_args!(
            "`#[distributed_scope::test]` has no argument `{name}`; it has `seeds = 100` or `seeds = 5..10`, for the runs of the \
             test, and `crate = path`, for a renamed `distributed-scope`"
        )))
    });
    parser.parse2(tokens)?;
    Ok(args)
}

/// `100` are the seeds from 0 to 99; a range is itself.
fn seeds(value: &Expr) -> syn::Result<TokenStream> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(count), .. }) => {
            if count.base10_parse::<u64>()? == 0 {
                return Err(syn::Error::new(count.span(), "a test without seeds does not run"));
            }
            Ok(quote!(0..#count))
        }
        Expr::Range(ExprRange { start: Some(_), end: Some(_), limits: RangeLimits::HalfOpen(_), .. }) => {
            Ok(value.to_token_stream())
        }
        _ => Err(syn::Error::new(
            value.span(),
            "the seeds are a number or a range: `seeds = 100`, `seeds = 5..10`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(args: &str, item: &str) -> String {
        let [args, item] = [args, item].map(|text| text.parse::<TokenStream>().unwrap());
        expand(args, item).unwrap_err().to_string()
    }

    #[test]
    fn parameters_are_peers_and_the_network() {
        let item = "async fn f(net: Net, a: Peer, b: testing::Peer) {}".parse().unwrap();
        let text = expand(quote!(seeds = 3), item).unwrap().to_string();
        assert!(text.contains("0 .. 3") && text.contains("& [& a , & b]"), "{text}");
        assert!(text.contains("f (:: core :: clone :: Clone :: clone (& __net) , a , b)"), "{text}");
    }

    #[test]
    fn mistakes_name_the_fix() {
        for (args, item, fix) in [
            ("", "fn f() {}", "`async fn`"),
            ("", "async fn f(a: u32) {}", "`server: Peer`"),
            ("", "async fn f(&self) {}", "`net: Net`"),
            ("", "async fn f<T>() {}", "generic"),
            ("seed = 3", "async fn f() {}", "`seeds = 100`"),
            ("seeds = 0", "async fn f() {}", "does not run"),
            ("seeds = 0..=3", "async fn f() {}", "a number or a range"),
        ] {
            let message = message(args, item);
            assert!(message.contains(fix), "{args} {item}: {message}");
        }
    }
}
