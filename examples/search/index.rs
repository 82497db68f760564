//! An index in memory of the words of each document. Ordinary code, without knowledge of peers.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

/// The words, and how often each occurs in each document.
#[derive(Default)]
pub(crate) struct Index {
    titles: Vec<String>,
    words: BTreeMap<String, HashMap<usize, u32>>,
}

/// A document that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hit {
    pub(crate) title: String,
    pub(crate) score: u32,
}

impl Index {
    /// Adds a document. Words in its title count three times.
    pub(crate) fn add(&mut self, title: &str, text: &str) {
        let document = self.titles.len();
        self.titles.push(title.to_owned());
        let of_title = words(title).map(|word| (word, 3));
        for (word, weight) in of_title.chain(words(text).map(|word| (word, 1))) {
            *self.words.entry(word).or_default().entry(document).or_default() += weight;
        }
    }

    /// The best documents that contain each word of the query, or a word that begins with it.
    pub(crate) fn search(&self, query: &str, limit: usize) -> Vec<Hit> {
        let found = words(query).map(|word| self.beginning_with(&word)).reduce(|all, next| {
            all.into_iter().filter_map(|(id, score)| Some((id, score + next.get(&id)?))).collect()
        });
        let mut hits: Vec<_> = found
            .unwrap_or_default()
            .into_iter()
            .map(|(id, score)| Hit { title: self.titles[id].clone(), score })
            .collect();
        hits.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.title.cmp(&b.title)));
        hits.truncate(limit);
        hits
    }

    fn beginning_with(&self, start: &str) -> HashMap<usize, u32> {
        let mut scores = HashMap::new();
        let same_start = self.words.range(start.to_owned()..).take_while(|(word, _)| word.starts_with(start));
        for (id, score) in same_start.flat_map(|(_, documents)| documents) {
            *scores.entry(*id).or_default() += score;
        }
        scores
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_count_more_than_text_and_each_word_must_be_there() {
        let mut index = Index::default();
        index.add("Rivers", "They flow to the sea.");
        index.add("The sea", "Salt, mostly.");
        let titles = |query| index.search(query, 9).into_iter().map(|hit| hit.title).collect::<Vec<_>>();
        assert_eq!(titles("sea"), ["The sea", "Rivers"]);
        assert_eq!(titles("SE flo"), ["Rivers"]);
        assert_eq!(titles("mountain"), [""; 0]);
        assert_eq!(titles(""), [""; 0]);
        assert_eq!(index.search("sea", 1).len(), 1);
    }
}
