//! Random functions and random edits: a call never reaches another block than the one that was
//! meant.
//!
//! A [`Block`] here knows who it is, whatever is done to it. What looks the same from outside, at
//! the same place, is the same block by definition: replacing it is an edit of its body. So a call
//! may reach another block only where nothing but the bodies could tell: if the block that was
//! meant is gone or has become another to look at, and the one that was reached is new or has,
//! too.

use proptest::collection::vec;
use proptest::prelude::*;

use super::program::{End, Known, blocks, ends};

/// What can be seen of a block from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Looks {
    names: &'static str,
    types: [u8; 2],
    result: u8,
    destination: &'static str,
    mark: Mark,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    None,
    Exact,
    Named,
}

#[derive(Clone, Debug)]
struct Block {
    /// Who it is. No two have one number.
    who: u32,
    looks: Looks,
    /// Changes with each edit. No two bodies are the same.
    body: u32,
    /// Whether a `cfg` stands around it.
    is_conditional: bool,
    /// The blocks in its body.
    inner: Vec<Self>,
}

/// A change of a function. What it is made to is chosen by a number, modulo what there is.
#[derive(Clone, Debug)]
enum Edit {
    Insert(usize, Looks, bool),
    Remove(usize),
    /// Two places in one list, or the same place in two.
    Swap(usize, usize),
    Body(usize),
    Looks(usize, Looks),
    Condition(usize),
}

/// A function and the numbers that it has given away.
#[derive(Clone, Debug, Default)]
struct Function {
    blocks: Vec<Block>,
    next: u32,
}

impl Function {
    fn new(shape: &[(Looks, bool, usize)]) -> Self {
        let mut function = Self::default();
        for (looks, is_conditional, at) in shape {
            function.apply(&Edit::Insert(*at, *looks, *is_conditional));
        }
        function
    }

    fn fresh(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn apply(&mut self, edit: &Edit) {
        let fresh = self.fresh();
        match *edit {
            Edit::Insert(at, looks, is_conditional) => {
                let block = Block { who: fresh, looks, body: fresh, is_conditional, inner: Vec::new() };
                // Before, in or behind each block that there is.
                let places = self.flat().len() * 2 + 1;
                insert(&mut self.blocks, at % places, block);
            }
            Edit::Remove(at) => {
                let mut index = self.index(at);
                drop(take(&mut self.blocks, &mut index));
            }
            Edit::Swap(one, other) => self.swap(one, other),
            Edit::Body(at) => self.change(at, |block| block.body = fresh),
            Edit::Looks(at, looks) => self.change(at, |block| block.looks = looks),
            Edit::Condition(at) => self.change(at, |block| block.is_conditional ^= true),
        }
    }

    /// Exchanges two blocks with all that is in them; nothing, if one is in the other.
    fn swap(&mut self, one: usize, other: usize) {
        let (Some(one), Some(other)) = (self.at(one), self.at(other)) else { return };
        let (one, other) = (one.clone(), other.clone());
        if contains(&one, other.who) || contains(&other, one.who) {
            return;
        }
        replace(&mut self.blocks, &one, &other);
    }

    fn change(&mut self, at: usize, change: impl FnOnce(&mut Block)) {
        let mut index = self.index(at);
        if let Some(block) = find(&mut self.blocks, &mut index) {
            change(block);
        }
    }

    fn index(&self, at: usize) -> usize {
        at % self.flat().len().max(1)
    }

    fn at(&self, at: usize) -> Option<&Block> {
        self.flat().get(self.index(at)).map(|(_, block)| *block)
    }

    /// All blocks in the order of their `remote!`, with the number of blocks around each.
    fn flat(&self) -> Vec<(usize, &Block)> {
        fn walk<'b>(blocks: &'b [Block], depth: usize, flat: &mut Vec<(usize, &'b Block)>) {
            for block in blocks {
                flat.push((depth, block));
                walk(&block.inner, depth + 1, flat);
            }
        }
        let mut flat = Vec::new();
        walk(&self.blocks, 0, &mut flat);
        flat
    }

    fn known(&self) -> Vec<Known> {
        blocks("f", false, &self.blocks.iter().map(Block::source).collect::<String>())
    }

    fn block(&self, who: u32) -> Option<&Block> {
        self.flat().into_iter().find_map(|(_, block)| (block.who == who).then_some(block))
    }

    /// Whether nothing but its body tells this block from another one in every program.
    fn has_twin(&self, block: &Block) -> bool {
        let seen = |block: &Block| (block.looks.names, block.looks.destination, block.looks.mark);
        let flat = self.flat();
        let alike: Vec<_> = flat.iter().filter(|(_, other)| seen(other) == seen(block)).collect();
        let is_conditional =
            alike.iter().any(|(_, other)| other.is_conditional || self.is_in_conditional(other));
        let mut others = alike.iter().filter(|(_, other)| other.who != block.who);
        others.any(|(_, other)| is_conditional || other.looks == block.looks)
    }

    fn is_in_conditional(&self, block: &Block) -> bool {
        self.flat().iter().any(|(_, outer)| outer.is_conditional && contains(outer, block.who))
    }
}

impl Block {
    fn source(&self) -> String {
        let Self { who, looks, body, is_conditional, inner } = self;
        let captures: Vec<_> =
            looks.names.chars().zip(looks.types).map(|(name, ty)| format!("{name}: T{ty}")).collect();
        let mark = match looks.mark {
            Mark::None => String::new(),
            Mark::Exact => "#[block(exact)]".into(),
            Mark::Named => format!("#[block(name = \"{who}\")]"),
        };
        let condition = if *is_conditional { "#[cfg(server)]" } else { "" };
        let inner: String = inner.iter().map(Self::source).collect();
        format!(
            "{condition} remote!({}, [{}] -> R{}, {mark} {{ body({body}); {inner} }}).await;",
            looks.destination,
            captures.join(", "),
            looks.result
        )
    }

    /// Its body, with all that is in it.
    fn text(&self) -> (u32, Vec<String>) {
        (self.body, self.inner.iter().map(Self::source).collect())
    }
}

fn contains(outer: &Block, who: u32) -> bool {
    outer.who == who || outer.inner.iter().any(|inner| contains(inner, who))
}

fn find<'b>(blocks: &'b mut [Block], index: &mut usize) -> Option<&'b mut Block> {
    for block in blocks {
        if *index == 0 {
            return Some(block);
        }
        *index -= 1;
        if let Some(found) = find(&mut block.inner, index) {
            return Some(found);
        }
    }
    None
}

fn take(blocks: &mut Vec<Block>, index: &mut usize) -> Option<Block> {
    for at in 0..blocks.len() {
        if *index == 0 {
            return Some(blocks.remove(at));
        }
        *index -= 1;
        if let Some(taken) = take(&mut blocks[at].inner, index) {
            return Some(taken);
        }
    }
    None
}

/// Place 0 is before all; of the others each block has two: at the start of its body, and behind
/// it.
fn insert(blocks: &mut Vec<Block>, place: usize, block: Block) {
    fn walk(blocks: &mut Vec<Block>, place: &mut usize, new: &mut Option<Block>) {
        for at in 0..blocks.len() {
            *place -= 1;
            if *place == 0 {
                blocks[at].inner.splice(0..0, new.take());
                return;
            }
            walk(&mut blocks[at].inner, place, new);
            if new.is_none() {
                return;
            }
            *place -= 1;
            if *place == 0 {
                blocks.splice(at + 1..at + 1, new.take());
                return;
            }
        }
    }
    match place {
        0 => blocks.insert(0, block),
        mut place => walk(blocks, &mut place, &mut Some(block)),
    }
}

fn replace(blocks: &mut [Block], one: &Block, other: &Block) {
    for block in blocks {
        if block.who == one.who {
            *block = other.clone();
        } else if block.who == other.who {
            *block = one.clone();
        } else {
            replace(&mut block.inner, one, other);
        }
    }
}

/// Few of each kind, so that many blocks look alike.
fn looks() -> impl Strategy<Value = Looks> {
    let mark = prop_oneof![6 => Just(Mark::None), 1 => Just(Mark::Exact), 1 => Just(Mark::Named)];
    let names = prop_oneof![Just("a"), Just("b"), Just("ab"), Just("ba"), Just("")];
    let destination = prop_oneof![3 => Just("p"), 1 => Just("q")];
    (names, [0..2_u8, 0..2_u8], 0..2_u8, destination, mark).prop_map(
        |(names, types, result, destination, mark)| {
            // What has no name has no type.
            let types = [0, 1].map(|index| if index < names.len() { types[index] } else { 0 });
            Looks { names, types, result, destination, mark }
        },
    )
}

fn function() -> impl Strategy<Value = Function> {
    let is_conditional = prop::bool::weighted(0.1);
    vec((looks(), is_conditional, any::<usize>()), 1..7).prop_map(|shape| Function::new(&shape))
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<usize>();
    prop_oneof![
        2 => (at, looks(), prop::bool::weighted(0.1)).prop_map(|(at, looks, condition)| Edit::Insert(at, looks, condition)),
        2 => at.prop_map(Edit::Remove),
        3 => (at, at).prop_map(|(one, other)| Edit::Swap(one, other)),
        2 => at.prop_map(Edit::Body),
        2 => (at, looks()).prop_map(|(at, looks)| Edit::Looks(at, looks)),
        1 => at.prop_map(Edit::Condition),
    ]
}

/// All blocks as they are seen from outside, which is what the calls of unmarked blocks agree on.
fn outline(function: &Function) -> Vec<(usize, &'static str, &'static str)> {
    function
        .flat()
        .into_iter()
        .map(|(depth, block)| (depth, block.looks.names, block.looks.destination))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Never the wrong body.
    #[test]
    fn call_reaches_the_block_that_was_meant(old in function(), edits in vec(edit(), 0..6)) {
        let mut new = old.clone();
        edits.iter().for_each(|edit| new.apply(edit));
        let (calls, there) = (old.flat(), new.flat());
        for ((_, meant), end) in calls.iter().zip(ends(&old.known(), &new.known())) {
            let End::Runs(index) = end else { continue };
            let (_, reached) = there[index];
            // Both sides agree on everything but the body.
            prop_assert_eq!(Looks { destination: "", ..meant.looks }, Looks { destination: "", ..reached.looks });
            if meant.looks.mark == Mark::None {
                prop_assert_eq!(outline(&old), outline(&new));
                prop_assert_eq!(meant.looks.destination, reached.looks.destination);
            }
            if meant.who == reached.who {
                continue;
            }
            // Only a block that can be known by nothing but its body is replaced by another one.
            prop_assert_eq!(meant.looks.mark, Mark::None);
            let is_left = |who: u32, looks: Looks, function: &Function| {
                function.block(who).is_some_and(|block| block.looks == looks)
            };
            prop_assert!(!is_left(meant.who, meant.looks, &new), "{} is still there, not at {index}", meant.who);
            prop_assert!(!is_left(reached.who, reached.looks, &old), "{} was there, not at {index}", reached.who);
        }
    }

    /// A server can be fixed: a block without a twin runs in whatever version its body is.
    #[test]
    fn edited_bodies_refuse_twins_and_exact_blocks_alone(old in function(), edited in vec(any::<usize>(), 1..6)) {
        let mut new = old.clone();
        edited.into_iter().for_each(|at| new.apply(&Edit::Body(at)));
        let (calls, there) = (old.flat(), new.flat());
        for (index, end) in ends(&old.known(), &new.known()).into_iter().enumerate() {
            let ((_, before), (_, after)) = (calls[index], there[index]);
            let body_counts = match before.looks.mark {
                Mark::None => old.has_twin(before),
                Mark::Exact => true,
                Mark::Named => false,
            };
            let runs = !body_counts || before.text() == after.text();
            prop_assert_eq!(end, if runs { End::Runs(index) } else { End::Refused }, "{}", before.who);
        }
    }
}
