//! Counting. Workers and the process that checks them do the same thing here.

use std::collections::HashMap;
use std::path::PathBuf;

use super::corpus;

/// How often each word occurs, in lower case.
pub(super) type Counts = HashMap<String, u64>;

/// Whether a character belongs to a word. A text may be cut wherever this is false.
pub(super) fn is_in_word(character: char) -> bool {
    character.is_alphanumeric()
}

/// Adds the words of `text` to `counts`.
pub(super) fn add(counts: &mut Counts, text: &str) {
    let mut lower = String::new();
    for word in text.split(|character| !is_in_word(character)).filter(|word| !word.is_empty()) {
        lower.clear();
        lower.extend(word.chars().flat_map(char::to_lowercase));
        match counts.get_mut(&lower) {
            Some(count) => *count += 1,
            None => drop(counts.insert(lower.clone(), 1)),
        }
    }
}

/// Adds what another worker has counted.
pub(super) fn merge(counts: &mut Counts, others: impl IntoIterator<Item = (String, u64)>) {
    for (word, count) in others {
        *counts.entry(word).or_default() += count;
    }
}

/// Counts whole files, one after the other, without peers and without cutting.
pub(super) fn all(files: &[PathBuf]) -> anyhow::Result<Counts> {
    let mut counts = Counts::new();
    for file in files {
        add(&mut counts, &corpus::read(file)?);
    }
    Ok(counts)
}

/// The most frequent words, those with the same count in alphabetical order.
pub(super) fn top(counts: &Counts, length: usize) -> Vec<(&str, u64)> {
    let mut words: Vec<_> = counts.iter().map(|(word, count)| (word.as_str(), *count)).collect();
    words.sort_unstable_by(|(one, ones), (other, others)| others.cmp(ones).then_with(|| one.cmp(other)));
    words.truncate(length);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> Counts {
        let mut counts = Counts::new();
        add(&mut counts, text);
        counts
    }

    #[test]
    fn words_are_counted_whatever_their_case_and_what_stands_around_them() {
        let counts = counted("The peer, the Peer; (THE) naïve\u{fffd}peer\n");
        assert_eq!(top(&counts, 9), [("peer", 3), ("the", 3), ("naïve", 1)]);
    }

    #[test]
    fn a_text_without_words_counts_nothing() {
        assert!(counted(" \n\t--- ***").is_empty());
    }

    #[test]
    fn merging_parts_is_counting_the_whole() {
        let mut parts = counted("one two ");
        merge(&mut parts, counted("two three"));
        assert_eq!(parts, counted("one two two three"));
    }

    #[test]
    fn the_list_is_cut_after_the_most_frequent() {
        assert_eq!(top(&counted("b a c b c c"), 2), [("c", 3), ("b", 2)]);
    }
}
