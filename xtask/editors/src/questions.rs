//! The requests, and the expected answers.

use std::fmt;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::edited::{TEXT, at, covered, document, place};
use crate::server::LanguageServer;

/// One request that a user makes at a name in a block.
pub(crate) struct Question {
    /// The line that holds this,
    line: &'static str,
    /// and the name in it.
    word: &'static str,
    what: Action,
}

enum Action {
    /// Shows the type or the documentation: the answer holds this.
    Hover(&'static str),
    /// Goes to where it is defined: these places and no others, each a name in a line.
    Definition(&'static [(&'static str, &'static str)]),
    /// Renames it: in this many places, after which no other name means the old one.
    Rename(usize),
    /// Asks for what may follow the dot behind it: the answer holds this.
    Completion(&'static str),
}

use Action::{Completion, Definition, Hover, Rename};

const CALL: &str = "[customer, order, wanted]";
const BODY: &str = "let offered = there.min(wanted)";
const FILTER: &str = "other.article == order.article";
const INNER: &str = "[offered], { confirm(offered) }";

pub(crate) const QUESTIONS: &[Question] = &[
    ask(BODY, "there", Hover("let there: u32")),
    ask(BODY, "wanted", Hover("wanted: u32")),
    ask("let stock", "stock", Hover("Arc<Stock>")),
    ask("here::data", "data", Hover("pub fn data<T>()")),
    ask(INNER, "confirm", Hover("Whether the customer takes as many.")),
    ask("if agreed", "agreed", Hover("let agreed: bool")),
    ask("let sold = remote", "remote", Hover("Runs a block on another peer")),
    ask(BODY, "there", Definition(&[("let there", "there")])),
    ask(BODY, "wanted", Definition(&[(CALL, "wanted")])),
    ask(FILTER, "article", Definition(&[("pub article", "article")])),
    ask(FILTER, "order", Definition(&[(CALL, "order")])),
    ask(INNER, "confirm", Definition(&[("fn confirm", "confirm")])),
    ask("(offered) }", "offered", Definition(&[("[offered]", "offered")])),
    ask(CALL, "wanted", Definition(&[("let wanted", "wanted"), (CALL, "wanted")])),
    ask("[offered]", "offered", Definition(&[("let offered", "offered"), ("[offered]", "offered")])),
    ask("Ok(sold", "sold", Definition(&[("let sold", "sold")])),
    ask(BODY, "there", Rename(2)),
    ask(CALL, "wanted", Rename(4)),
    ask("[offered]", "offered", Rename(4)),
    ask("fn confirm", "confirm", Rename(2)),
    ask("pub article", "article", Rename(3)),
    ask(FILTER, "order", Completion("amount")),
    ask(BODY, "there", Completion("min(as Ord)")),
];

const fn ask(line: &'static str, word: &'static str, what: Action) -> Question {
    Question { line, word, what }
}

impl Question {
    /// Sends it; an error contains the actual answer.
    pub(crate) fn ask(&self, server: &mut LanguageServer, folder: &Path) -> Result<()> {
        let (line, column) = place(self.line, self.word)?;
        let here = at(folder, (line, column));
        match &self.what {
            Hover(wanted) => {
                let answer = server.ask("textDocument/hover", here)?;
                let text = answer["contents"]["value"].as_str().unwrap_or_default();
                ensure!(text.contains(wanted), "it shows {text:?}");
            }
            Definition(wanted) => {
                let answer = server.ask("textDocument/definition", here)?;
                let found: Vec<_> = elements(&answer).map(|location| covered(&location["range"])).collect();
                let wanted = wanted.iter().map(|(line, word)| Ok(Some((place(line, word)?.0 + 1, *word))));
                ensure!(found == wanted.collect::<Result<Vec<_>>>()?, "it goes to {found:?}");
            }
            Rename(count) => {
                let mut request = here;
                request["newName"] = json!("renamed");
                let answer = server.ask("textDocument/rename", request)?;
                let files = elements(&answer["documentChanges"]);
                let places: Vec<_> = files
                    .flat_map(|file| elements(&file["edits"]))
                    .map(|edit| covered(&edit["range"]))
                    .collect();
                ensure!(places.len() == *count, "it renames {places:?}");
            }
            Completion(wanted) => {
                let request = at(folder, (line, column + self.word.len() + 1));
                let answer = server.ask("textDocument/completion", request)?;
                let names: Vec<_> =
                    elements(&answer["items"]).filter_map(|item| item["label"].as_str()).collect();
                ensure!(names.contains(wanted), "it offers {}", names.join(", "));
            }
        }
        Ok(())
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            Hover(_) => "hover",
            Definition(_) => "go to definition",
            Rename(_) => "rename",
            Completion(_) => "complete after",
        };
        write!(f, "{what} `{}` in `{}`", self.word, self.line)
    }
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Opens the file. It is correct, so the editor must find nothing wrong with it.
pub(crate) fn open(server: &mut LanguageServer, folder: &Path) -> Result<()> {
    let mut opened = document(folder);
    opened["languageId"] = json!("rust");
    opened["version"] = json!(1);
    opened["text"] = json!(TEXT);
    server.tell("textDocument/didOpen", json!({ "textDocument": opened }))?;
    let answer = server.ask("textDocument/diagnostic", json!({ "textDocument": document(folder) }))?;
    let items = answer["items"].as_array().context("there are no diagnostics to pull")?;
    ensure!(items.is_empty(), "it complains of a correct file: {items:#?}");
    Ok(())
}
