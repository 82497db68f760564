//! The names of types, as people write them.

/// A name as rustc gives it, without the modules: `alloc::vec::Vec<u8>` becomes `Vec<u8>`.
pub(crate) fn short(name: &str) -> String {
    let mut short = String::with_capacity(name.len());
    let mut word = 0;
    for char in name.chars() {
        match char {
            // What was written since the last delimiter is a module.
            ':' => short.truncate(word),
            _ => short.push(char),
        }
        if !(char.is_alphanumeric() || char == '_' || char == ':') {
            word = short.len();
        }
    }
    short
}

/// A name as a user writes it: without modules, and without what the captures of a block are
/// wrapped in.
pub(crate) fn of_user(name: &str) -> String {
    let name = short(name).replace('&', "");
    match elements(&name)[..] {
        [only] => only.to_owned(),
        _ => name,
    }
}

/// The names of the elements of a tuple with `count` elements. A long one is a tuple of tuples.
pub(crate) fn of_tuple(name: &str, count: usize) -> Vec<String> {
    let mut names = elements(name);
    while names.len() < count {
        let all: Vec<_> = names.iter().flat_map(|name| elements(name)).collect();
        if all.len() == names.len() {
            break;
        }
        names = all;
    }
    names.into_iter().map(short).collect()
}

fn elements(tuple: &str) -> Vec<&str> {
    let Some(inside) = tuple.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) else {
        return vec![tuple];
    };
    let (mut depth, mut start, mut elements) = (0, 0, Vec::new());
    for (index, char) in inside.char_indices() {
        match char {
            '(' | '[' | '<' => depth += 1,
            ')' | ']' | '>' => depth -= 1,
            ',' if depth == 0 => {
                elements.push(inside[start..index].trim());
                start = index + 1;
            }
            _ => {}
        }
    }
    elements.push(inside[start..].trim());
    elements.retain(|element| !element.is_empty());
    elements
}

#[cfg(test)]
mod tests {
    use std::any::type_name;
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn the_modules_of_a_type_are_left_out() {
        assert_eq!(short(type_name::<Option<Vec<(u8, String)>>>()), "Option<Vec<(u8, String)>>");
        assert_eq!(short(type_name::<[crate::PeerId; 2]>()), "[PeerId; 2]");
    }

    #[test]
    fn one_capture_is_named_without_its_tuple() {
        assert_eq!(of_user(type_name::<(&Option<Vec<u8>>,)>()), "Option<Vec<u8>>");
        assert_eq!(of_user(type_name::<(&String, &u8)>()), "(String, u8)");
        assert_eq!(of_user(type_name::<()>()), "()");
        assert_eq!(of_user(type_name::<Option<(u8, u8)>>()), "Option<(u8, u8)>");
    }

    #[test]
    fn a_tuple_is_taken_apart() {
        assert_eq!(of_tuple(type_name::<()>(), 0), Vec::<String>::new());
        assert_eq!(of_tuple(type_name::<((u8, u16),)>(), 1), ["(u8, u16)"]);
        assert_eq!(of_tuple(type_name::<(u8, HashMap<u8, [u16; 2]>)>(), 2)[0], "u8");
        assert_eq!(of_tuple(type_name::<((u8, u16), (String,))>(), 3), ["u8", "u16", "String"]);
    }
}
