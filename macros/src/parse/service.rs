//! What `#[distributed]` stands on: a function, or an `impl` block with functions in it.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{GenericParam, ImplItem, Item, ItemImpl, PathArguments, Type};

use crate::errors::Errors;
use crate::expand::Expansion;
use crate::expand::fallback;
use crate::expand::print;
use crate::parse::args::Args;
use crate::parse::find::{Finder, has_remote};
use crate::parse::function::{Body, Function};
use crate::validate;

/// The type around a method.
pub(crate) struct Service {
    /// Its name, for the paths of its blocks.
    pub(crate) name: String,
    /// The type as it is written in an expression, to stand for `Self`.
    pub(crate) ty: TokenStream,
    /// The lifetimes of the `impl`.
    pub(crate) lifetimes: Vec<GenericParam>,
}

/// Expands whatever the attribute stands on, and tells all mistakes found.
pub(crate) fn expand_item(args: &Args, item: TokenStream, errors: &mut Errors) -> TokenStream {
    if let Ok(function) = syn::parse2::<Function>(item.clone()) {
        return expand_function(args, &function, None, errors);
    }
    let expanded = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Impl(block)) => expand_impl(args, block, errors),
        Ok(Item::Trait(mut block)) => {
            let message = "`#[distributed]` does not go on a trait: put the blocks in an `async fn` with `#[distributed]` outside of the \
                           trait, and call it from the method";
            errors.at(block.trait_token.span, message);
            fallback::every_default(&mut block);
            block.into_token_stream()
        }
        Ok(other) => {
            let message = "`#[distributed]` is allowed on an `async fn`, or on an `impl` block whose methods are `async fn`s";
            errors.at(first_token(&other), message);
            item
        }
        Err(error) => {
            errors.push(error);
            item
        }
    };
    let messages = errors.emit();
    quote!(#messages #expanded)
}

fn first_token(item: &Item) -> proc_macro2::Span {
    item.to_token_stream().into_iter().next().map_or_else(proc_macro2::Span::call_site, |token| token.span())
}

/// Expands one function. Mistakes stand before it, and then it is only there to be called.
fn expand_function(
    args: &Args,
    function: &Function,
    service: Option<&Service>,
    errors: &mut Errors,
) -> TokenStream {
    let body = Body::of(&function.body);
    let mut finder = Finder::new(errors);
    let code = finder.find(body.statements.clone());
    let (has_blocks, paths) = (finder.found() > 0, finder.paths);
    validate::function(function, &body, &code, has_blocks, service, errors);
    if errors.is_empty() {
        let expansion = Expansion::new(args, function, service).expand(&body, &code, has_blocks);
        print::if_wanted(&function.signature.ident.to_string(), &expansion);
        return expansion;
    }
    let (messages, fallback) = (errors.emit(), fallback::function(function, &paths));
    if service.is_some() {
        // The messages stand before the `impl`.
        return fallback;
    }
    quote!(#messages #fallback)
}

fn expand_impl(args: &Args, mut block: ItemImpl, errors: &mut Errors) -> TokenStream {
    // After a mistake before the `impl`, an expansion would only lead to further messages.
    let service = read_impl(&block, errors).filter(|_| errors.is_empty());
    let Some(service) = service else {
        fallback::every_method(&mut block);
        return block.into_token_stream();
    };
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        let mut own = Errors::default();
        let mut of_method = args.of_method(TokenStream::new(), &mut own);
        method.attrs.retain(|attribute| {
            let is_ours = attribute.path().segments.last().is_some_and(|s| s.ident == "distributed");
            if is_ours && let Ok(list) = attribute.meta.require_list() {
                of_method = args.of_method(list.tokens.clone(), &mut own);
            }
            !is_ours
        });
        if !has_remote(method.block.to_token_stream()) {
            errors.extend(own);
            continue;
        }
        let expanded = match syn::parse2::<Function>(method.to_token_stream()) {
            Ok(function) => expand_function(&of_method, &function, Some(&service), &mut own),
            Err(error) => {
                own.push(error);
                TokenStream::new()
            }
        };
        errors.extend(own);
        *item = ImplItem::Verbatim(expanded);
    }
    block.into_token_stream()
}

/// A type that a `macro_rules!` was given as `$ty:ty` stands in a group without delimiters.
fn without_groups(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => without_groups(&group.elem),
        Type::Paren(paren) => without_groups(&paren.elem),
        ty => ty,
    }
}

/// What the methods need to know of their `impl`; `None` if it is of a kind that cannot have
/// blocks.
fn read_impl(block: &ItemImpl, errors: &mut Errors) -> Option<Service> {
    if let Some((path, _)) = &block.trait_ {
        let message = "the blocks of a trait's method have no path of their own: put the `async fn` in `impl Type { .. }` \
                       with `#[distributed]`, and call it from here";
        errors.push(syn::Error::new_spanned(path, message));
        return None;
    }
    let generic = |parameter: &&GenericParam| !matches!(parameter, GenericParam::Lifetime(_));
    if let Some(parameter) = block.generics.params.iter().find(generic) {
        let message = "a block is compiled once and must know all types: put the methods with `remote!` in an `impl` of \
                       one concrete type, or in free functions";
        errors.push(syn::Error::new_spanned(parameter, message));
        return None;
    }
    let Type::Path(ty) = without_groups(&block.self_ty) else {
        errors.push(syn::Error::new_spanned(
            &block.self_ty,
            "the methods of this type cannot have blocks: put them in free functions",
        ));
        return None;
    };
    let mut ty = ty.clone();
    for segment in &mut ty.path.segments {
        if let PathArguments::AngleBracketed(arguments) = &mut segment.arguments {
            arguments.colon2_token.get_or_insert(syn::Token![::](arguments.span()));
        }
    }
    let name = ty.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
    let lifetimes = block.generics.params.iter().cloned().collect();
    Some(Service { name, ty: ty.into_token_stream(), lifetimes })
}
