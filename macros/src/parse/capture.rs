//! The list of a block: the variables that travel with it.

use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Expr, Ident, Member, Pat, Token, Type};

use crate::errors::Errors;

/// One entry of the list: `name`, `name = expr`, `name: T` or `name: T = expr`, perhaps with `mut`
/// before it.
pub(crate) struct Capture {
    /// Whether it can be changed in the block.
    pub(crate) mutability: Option<Token![mut]>,
    /// Its name in the block.
    pub(crate) name: Ident,
    /// Its written type.
    pub(crate) ty: Option<Type>,
    /// Where its value comes from, if not from the variable of that name.
    pub(crate) value: Option<Expr>,
}

impl Capture {
    /// Reads a list, without its brackets.
    pub(crate) fn parse_list(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Vec<Self>> {
        let mut list: Vec<Self> = Vec::new();
        while !input.is_empty() {
            if let Some(capture) = Self::parse(input, errors)? {
                if list.iter().any(|other| other.name.unraw() == capture.name.unraw()) {
                    let message = format!("`{}` is listed twice: list each variable once", capture.name);
                    errors.at(capture.name.span(), message);
                } else {
                    list.push(capture);
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(list)
    }

    /// Reads one entry. `None` means that it is not a capture, and that an error was reported.
    fn parse(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Option<Self>> {
        let mutability = match input.peek2(syn::Ident) {
            true => input.parse::<Option<Token![mut]>>()?,
            false => None,
        };
        let ends = |input: ParseStream<'_>| {
            input.is_empty() || input.peek(Token![,]) || input.peek(Token![=]) || input.peek(Token![:])
        };
        let ahead = input.fork();
        if !(ahead.parse::<Ident>().is_ok() && ends(&ahead) && !ahead.peek(Token![==])) {
            reject(input, errors)?;
            return Ok(None);
        }
        let name: Ident = input.parse()?;
        if is_constant(&name) {
            let message = format!(
                "`{name}` is the name of a constant, which needs not travel: leave it out of the list and use it in the block; to send the \
                 value that it has here, write `[{} = {name}]`",
                name.to_string().to_lowercase()
            );
            errors.at(name.span(), message);
            skip_entry(input);
            return Ok(None);
        }
        let ty = if input.peek(Token![:]) {
            input.parse::<Token![:]>()?;
            Some(input.parse()?)
        } else {
            None
        };
        if let Some(Type::Reference(reference)) = &ty {
            let message = format!(
                "a capture arrives as a value of its own, so its type is no reference: write `[{name}: T]`, and `[{name}: T = \
                                   expr]` if it has to be made of one, for example by `.to_owned()`"
            );
            errors.push(syn::Error::new_spanned(reference, message));
        }
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Some(input.parse()?)
        } else {
            None
        };
        Ok(Some(Self { mutability, name, ty, value }))
    }
}

/// Skips to the comma that ends the entry.
fn skip_entry(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        // Any token can be read as a tree.
        let _ = input.parse::<proc_macro2::TokenTree>();
    }
}

/// Says what should stand in the place of an entry that is no name.
fn reject(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<()> {
    let start = input.span();
    let ahead = input.fork();
    if let Ok(entry) = input.fork().parse::<Expr>() {
        input.parse::<Expr>()?;
        let message = match &entry {
            Expr::Path(path) if path.path.is_ident("self") => {
                "`self` cannot travel as a whole: capture what the block needs, for example `[name = self.name]`".into()
            }
            Expr::Reference(reference) if matches!(&*reference.expr, Expr::Path(_)) => {
                let name = source(&reference.expr);
                format!("a variable travels as a value and stays usable here, so it needs no `&`: write `[{name}]`")
            }
            Expr::Tuple(_) | Expr::Struct(_) | Expr::Infer(_) | Expr::Array(_) | Expr::Assign(_) => PATTERN.into(),
            Expr::Call(call) if is_constructor(&call.func) => PATTERN.into(),
            Expr::Lit(_) => "a literal needs not travel: write it in the block".into(),
            other => {
                let name = suggested_name(other);
                format!("a capture needs a name: write `[{name} = {}]`", source(other))
            }
        };
        errors.push(syn::Error::new_spanned(entry, message));
        skip_entry(input);
        return Ok(());
    }
    if Pat::parse_multi_with_leading_vert(&ahead).is_ok() {
        errors.at(start, PATTERN);
        skip_entry(input);
        return Ok(());
    }
    Err(syn::Error::new(
        start,
        "expected the name of a variable, as in `[a, b]`, `[name = expr]` or `[a: T]`",
    ))
}

const PATTERN: &str = "a capture is the name of a variable, not a pattern: take the value apart before the block, or in it, \
                       or write `[name = expr]`";

/// Whether a name is written as those of constants are. As a pattern it would be one, and not a
/// variable.
fn is_constant(name: &Ident) -> bool {
    let name = name.unraw().to_string();
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.chars().all(|other| other.is_ascii_uppercase() || other.is_ascii_digit() || other == '_')
}

/// Whether this is the `Some` of `Some(x)`.
fn is_constructor(function: &Expr) -> bool {
    let Expr::Path(path) = function else { return false };
    path.path.segments.last().is_some_and(|last| last.ident.to_string().starts_with(char::is_uppercase))
}

/// The name that a reader would give to the value of an expression.
fn suggested_name(expr: &Expr) -> String {
    match expr {
        Expr::Field(field) => match &field.member {
            Member::Named(name) => name.to_string(),
            Member::Unnamed(_) => "name".into(),
        },
        Expr::Path(path) => path
            .path
            .segments
            .last()
            .map_or_else(|| "name".into(), |segment| segment.ident.to_string().to_lowercase()),
        Expr::MethodCall(call) => suggested_name(&call.receiver),
        Expr::Reference(reference) => suggested_name(&reference.expr),
        Expr::Unary(unary) => suggested_name(&unary.expr),
        Expr::Try(inner) => suggested_name(&inner.expr),
        Expr::Await(inner) => suggested_name(&inner.base),
        Expr::Paren(inner) => suggested_name(&inner.expr),
        _ => "name".into(),
    }
}

/// The expression much as it was written, if that is short.
fn source(expr: &Expr) -> String {
    let mut text = expr.to_token_stream().to_string();
    for (spaced, tight) in
        [(" . ", "."), (" :: ", "::"), (" (", "("), ("( ", "("), (" )", ")"), ("& ", "&"), (" ?", "?")]
    {
        text = text.replace(spaced, tight);
    }
    if text.len() <= 40 { text } else { "expr".into() }
}
