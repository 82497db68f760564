//! Every way to change the blocks of a function, and what becomes of the calls of older programs.

use super::program::{self, End};

/// What becomes of the calls of one version of the body of `f` in the other version, in both
/// directions.
fn ends(old: &str, new: &str) -> [Vec<End>; 2] {
    let [old, new] = [old, new].map(|body| program::blocks("f", false, body));
    [program::ends(&old, &new), program::ends(&new, &old)]
}

/// Neither version runs anything of the other.
#[track_caller]
fn nothing_runs(old: &str, new: &str) {
    let ends = ends(old, new);
    let runs = |end: &End| matches!(end, End::Runs(_));
    assert!(!ends.iter().flatten().any(runs), "{old}\n{new}\n{ends:?}");
}

/// Each call runs the block of its number, in both directions.
#[track_caller]
fn all_run(old: &str, new: &str) {
    let [forth, back] = ends(old, new);
    let own: Vec<_> = (0..forth.len()).map(End::Runs).collect();
    assert_eq!((&forth, &back), (&own, &own), "{old}\n{new}");
}

/// A block of its own: no other one looks like it.
const A: &str = "remote!(p, [a: u8] -> u8, { a() }).await;";
const B: &str = "remote!(p, [b: u8] -> u8, { b() }).await;";
/// Two that look alike and have other types.
const SMALL: &str = "remote!(p, [n: u8] -> u8, { small() }).await;";
const LARGE: &str = "remote!(p, [n: u64] -> u8, { large() }).await;";
/// Two that nothing but their bodies tells apart.
const ONE: &str = "remote!(p, [t: u8] -> u8, { one() }).await;";
const TWO: &str = "remote!(p, [t: u8] -> u8, { two() }).await;";

/// The blocks one after the other.
fn body(blocks: &[&str]) -> String {
    blocks.concat()
}

#[test]
fn one_version_runs_itself() {
    let all = body(&[
        A,
        B,
        SMALL,
        LARGE,
        ONE,
        TWO,
        "remote!(p, [o: u8] -> u8, { remote!(q, [], {}).await }).await",
    ]);
    all_run(&all, &all);
}

#[test]
fn other_layout_is_no_other_version() {
    let spread = "// Why.\nremote!(\n    p,\n    [\n        t: u8,\n    ] -> u8,\n    {\n        one(/* so */)\n    },\n)\n.await;";
    all_run(&body(&[ONE, TWO]), &body(&[spread, TWO]));
    all_run("remote!(at(p), [], {})", "remote!(at(p,), [], {})");
}

#[test]
fn code_between_blocks_is_free() {
    all_run(&body(&[ONE, TWO]), &body(&["let x = 1; if x > 0 {", ONE, "}", "log(x);", TWO]));
    all_run("remote!(p, [a: u8 = x], {})", "remote!(p, [a: u8 = y + 1], {})");
}

#[test]
fn inserted_block_refuses_all() {
    for new in [A, SMALL, ONE] {
        for others in [[A, B], [SMALL, LARGE], [ONE, TWO]] {
            let [first, second] = others;
            if others.contains(&new) {
                continue;
            }
            for inserted in [[new, first, second], [first, new, second], [first, second, new]] {
                nothing_runs(&body(&others), &body(&inserted));
            }
        }
    }
}

/// The new one has the captures, the result and the destination of one that is there.
#[test]
fn inserted_twin_refuses_all() {
    let twin = "remote!(p, [a: u8] -> u8, { other() }).await;";
    for inserted in [[twin, A, B], [A, twin, B], [A, B, twin]] {
        nothing_runs(&body(&[A, B]), &body(&inserted));
    }
    nothing_runs(A, &body(&[twin, A]));
    nothing_runs(A, &body(&[A, A]));
}

#[test]
fn nested_block_inserted_refuses_all() {
    let plain = "remote!(p, [a: u8] -> u8, { a() }).await;";
    for nested in [
        "remote!(p, [a: u8] -> u8, { a(); remote!(q, [], {}).await }).await;",
        "remote!(p, [a: u8 = remote!(q, [], {}).await?] -> u8, { a() }).await;",
        "remote!(remote!(q, [], {}).await?, [a: u8] -> u8, { a() }).await;",
    ] {
        nothing_runs(plain, nested);
        nothing_runs(&body(&[plain, B]), &body(&[nested, B]));
    }
}

/// What remains may have the number of what was removed.
#[test]
fn removed_block_refuses_all() {
    for pair in [[A, B], [SMALL, LARGE], [ONE, TWO], [ONE, ONE]] {
        nothing_runs(&body(&pair), pair[0]);
        nothing_runs(&body(&pair), pair[1]);
    }
}

#[test]
fn swapped_blocks_refuse_all() {
    let elsewhere = A.replace('p', "q");
    let other_result = A.replace("-> u8", "-> u64");
    for [first, second] in [[A, B], [SMALL, LARGE], [ONE, TWO], [A, &elsewhere], [A, &other_result]] {
        nothing_runs(&body(&[first, second]), &body(&[second, first]));
    }
}

/// The function looks the same from outside, so only the two that changed places are refused.
#[test]
fn swapped_twins_leave_others() {
    let [forth, back] = ends(&body(&[A, ONE, TWO]), &body(&[A, TWO, ONE]));
    assert_eq!(forth, [End::Runs(0), End::Refused, End::Refused]);
    assert_eq!(back, forth);
}

#[test]
fn swapped_nested_blocks_are_refused() {
    let around = |inner: &str| format!("remote!(p, [o: u8] -> u8, {{ {inner} }}).await;");
    // The outer one is the same block, of which the body changed.
    let [forth, back] = ends(&body(&[&around(ONE), TWO]), &body(&[&around(TWO), ONE]));
    assert_eq!((&forth, &back), (&vec![End::Runs(0), End::Refused, End::Refused], &forth));
    nothing_runs(&body(&[&around(A), B]), &body(&[&around(B), A]));
    // In and out of another block, at the same number.
    nothing_runs(&body(&[&around(A)]), &body(&[&around(""), A]));
    // Another block around the same one.
    nothing_runs(
        "remote!(p, [a: u8], { remote!(p, [b: u8], {}).await }).await",
        "remote!(p, [b: u8], { remote!(p, [a: u8], {}).await }).await",
    );
    // Where in the other one it stands.
    nothing_runs(
        "remote!(p, [a: u8 = 0], { remote!(q, [], {}) })",
        "remote!(p, [a: u8 = remote!(q, [], {})], {})",
    );
}

#[test]
fn replaced_block_is_an_edited_one() {
    all_run(&body(&[A, B]), &body(&["remote!(p, [a: u8] -> u8, { quite_another() }).await;", B]));
}

#[test]
fn renamed_function_is_unknown() {
    let blocks = |function| program::blocks(function, false, A);
    assert_eq!(program::ends(&blocks("f"), &blocks("g")), [End::Unknown]);
    // The core says where a block has gone by its fingerprint, so two functions have none in
    // common.
    assert_ne!(blocks("f")[0].fingerprint, blocks("g")[0].fingerprint);
    assert_ne!(blocks("Shop::f")[0].fingerprint, blocks("f")[0].fingerprint);
    let exact = |function| program::blocks(function, true, A);
    assert_ne!(exact("f")[0].fingerprint, exact("g")[0].fingerprint);
}

/// Two blocks of one function have two fingerprints, even if they are the same token by token.
#[test]
fn blocks_of_one_function_differ() {
    for is_exact in [false, true] {
        let blocks = program::blocks("f", is_exact, &body(&[ONE, ONE]));
        assert_ne!(blocks[0].fingerprint, blocks[1].fingerprint);
    }
}

#[test]
fn changed_captures_refuse_all() {
    for changed in [
        "remote!(p, [renamed: u8] -> u8, { a() }).await;",
        "remote!(p, [a: u16] -> u8, { a() }).await;",
        "remote!(p, [a: u8, more: u8] -> u8, { a() }).await;",
        "remote!(p, [] -> u8, { a() }).await;",
    ] {
        nothing_runs(A, changed);
    }
    nothing_runs("remote!(p, [a: u8, b: u8], {})", "remote!(p, [b: u8, a: u8], {})");
    nothing_runs("remote!(p, [a: u8, b: u8], {})", "remote!(p, [ab: u8], {})");
}

/// The names of the captures of one block are part of the versions of all; their types are not.
#[test]
fn changed_types_refuse_their_block_alone() {
    let [forth, back] = ends(&body(&[A, B]), &body(&[&A.replace("a: u8", "a: u16"), B]));
    assert_eq!((&forth, &back), (&vec![End::Refused, End::Runs(1)], &vec![End::Refused, End::Runs(1)]));
    let [forth, _] = ends(&body(&[A, B]), &body(&[A, &B.replace("-> u8", "-> u16")]));
    assert_eq!(forth, [End::Runs(0), End::Refused]);
}

/// Two blocks that types told apart are twins from now on.
#[test]
fn types_that_become_equal_refuse_both() {
    nothing_runs(&body(&[SMALL, LARGE]), &body(&[SMALL, &LARGE.replace("u64", "u8")]));
}

#[test]
fn changed_destination_refuses_all() {
    nothing_runs(&body(&[A, B]), &body(&[&A.replace('p', "q"), B]));
    nothing_runs("remote!(at(p), [], {})", "remote!(at(q), [], {})");
}

/// What a block does on its way to a destination is its body.
#[test]
fn block_in_a_destination_may_be_edited() {
    all_run(
        "remote!(remote!(p, [], { one() }).await?, [], {})",
        "remote!(remote!(p, [], { two() }).await?, [], {})",
    );
}

#[test]
fn edited_body_is_the_same_version() {
    all_run(&body(&[A, B]), &body(&[&A.replace("a()", "log(); other(a) + 1"), B]));
    all_run(&body(&[SMALL, LARGE]), &body(&[&SMALL.replace("small()", "other()"), LARGE]));
    let nested = "remote!(p, [a: u8], { remote!(q, [b: u8], { one() }).await }).await;";
    all_run(nested, &nested.replace("one", "two"));
    all_run(nested, &nested.replace("{ remote!", "{ log(); remote!"));
}

/// The usual fix of a server: a line in a body that the client does not compile.
#[test]
fn edited_body_behind_a_condition_is_the_same_version() {
    let block = "remote!(p, [a: u8] -> u8, #[cfg(server)] { a() }).await;";
    all_run(block, &block.replace("a()", "log(); a()"));
    all_run(A, block);
}

#[test]
fn edited_twin_refuses_itself_alone() {
    let [forth, back] = ends(&body(&[ONE, TWO, A]), &body(&[&ONE.replace("one", "new"), TWO, A]));
    assert_eq!(forth, [End::Refused, End::Runs(1), End::Runs(2)]);
    assert_eq!(back, forth);
}

/// Two blocks that look alike have twins in them that only what is around them tells apart.
#[test]
fn twins_are_found_in_other_blocks() {
    let around = |name: &str, inner: &str| format!("remote!(p, [{name}: u8] -> u8, {{ {inner} }}).await;");
    let old = body(&[&around("x", ONE), &around("y", TWO)]);
    let swapped = body(&[&around("x", TWO), &around("y", ONE)]);
    let [forth, back] = ends(&old, &swapped);
    assert_eq!(forth, [End::Runs(0), End::Refused, End::Runs(2), End::Refused]);
    assert_eq!(back, forth);
}

/// A program that leaves one of them out does not know its types, and its versions are the same
/// all the same.
#[test]
fn condition_around_an_alike_block_makes_bodies_count() {
    let old = body(&[SMALL, "#[cfg(server)]", LARGE]);
    let [forth, _] = ends(&old, &old.replace("small()", "edited()"));
    assert_eq!(forth, [End::Refused, End::Runs(1)]);
    let inside = format!("remote!(p, [o: u8] -> u8, #[cfg(server)] {{ {LARGE} }}).await; {SMALL}");
    let [forth, _] = ends(&inside, &inside.replace("small()", "edited()"));
    assert_eq!(forth, [End::Runs(0), End::Runs(1), End::Refused]);
    // Whether the body of one is compiled does not matter: its types are known.
    let body_alone = body(&[SMALL, &LARGE.replace("{ large", "#[cfg(server)] { large")]);
    all_run(&body_alone, &body_alone.replace("small()", "edited()"));
    // Nor does a condition around one that is alone.
    let alone = body(&[A, "#[cfg(server)]", B]);
    all_run(&alone, &alone.replace("b()", "edited()"));
}

#[test]
fn exact_block_counts_its_body() {
    let exact = |inner: &str| format!("remote!(p, [e: u8] -> u8, #[block(exact)] {{ {inner} }}).await;");
    let [forth, back] =
        ends(&body(&[&exact("one()"), A]), &body(&[&exact("two()"), &A.replace("a()", "other()")]));
    assert_eq!(forth, [End::Refused, End::Runs(1)]);
    assert_eq!(back, forth);
    // As it always was: what its neighbours look like does not matter.
    let [forth, _] = ends(&body(&[&exact("one()"), A]), &exact("one()"));
    assert_eq!(forth, [End::Runs(0), End::Unknown]);
    nothing_runs(&exact("one()"), "remote!(p, [e: u8] -> u8, { one() }).await;");
}

#[test]
fn exact_function_counts_each_body() {
    let blocks = |source: &str| program::blocks("f", true, source);
    let named = r#"remote!(p, [], #[block(name = "n")] { named() })"#;
    let old = body(&[A, B, named]);
    let edited = old.replace("a()", "other()").replace("named()", "other()");
    assert_eq!(program::ends(&blocks(&old), &blocks(&edited)), [End::Refused, End::Runs(1), End::Runs(2)]);
    let marked =
        body(&[&A.replace("{ a", "#[block(exact)] { a"), &B.replace("{ b", "#[block(exact)] { b"), named]);
    assert_eq!(program::ends(&blocks(&old), &program::blocks("f", false, &marked)), [0, 1, 2].map(End::Runs));
}

#[test]
fn named_block_counts_its_interface_alone() {
    let named = r#"remote!(p, [n: u8] -> u8, #[block(name = "n")] { one() }).await;"#;
    let moved = body(&[A, "if x {", &named.replace("one", "two").replace('p', "q"), "}"]);
    assert_eq!(ends(named, &moved)[0], [End::Runs(1)]);
    for changed in
        [named.replace("n: u8", "m: u8"), named.replace("n: u8", "n: u9"), named.replace("-> u8", "")]
    {
        nothing_runs(named, &changed);
    }
    nothing_runs(named, &named.replace("\"n\"", "\"n\", evolving"));
    assert_eq!(ends(named, &named.replace("\"n\"", "\"m\""))[0], [End::Unknown]);
}

/// A name is what tells two twins apart, so that both can be edited.
#[test]
fn named_twin_is_no_twin() {
    let named = TWO.replace("{ two", r#"#[block(name = "two")] { two"#);
    all_run(
        &body(&[ONE, &named]),
        &body(&[&ONE.replace("one", "edited"), &named.replace("two()", "edited()")]),
    );
}
