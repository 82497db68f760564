use std::path::Path;
use anyhow::Result;
use serde_json::json;
use crate::edited::*;
use crate::server::LanguageServer;

pub(crate) fn explore(server: &mut LanguageServer, folder: &Path) -> Result<()> {
    server.tell("textDocument/didOpen", json!({"textDocument": {"uri": document(folder)["uri"], "languageId": "rust", "version": 1, "text": TEXT}}))?;
    let places = [
        ("let wanted = order", "wanted"), ("[customer, order, wanted]", "wanted"), ("[customer, order, wanted]", "order"), ("there.min(wanted)", "wanted"), ("there.min(wanted)", "there"), ("there.min(wanted)", "min"),
        ("== order.article", "order"), ("== order.article", "article"), ("|other| other.article", "other"), ("[offered]", "offered"), ("confirm(offered)", "confirm"), ("confirm(offered)", "offered"),
        ("if agreed", "agreed"), ("let stock", "stock"), ("here::data", "data"), ("stock.0", "stock"), ("let offered", "offered"), ("let sold = remote", "remote"), ("Ok(sold", "sold"), ("Ok(sold + wanted)", "wanted"), ("fn confirm", "confirm"), ("pub article", "article"), ("fn buy", "buy"),
    ];
    for (line, word) in places {
        let at = at(folder, place(line, word)?);
        println!("== {word} in `{line}`");
        let hover = server.ask("textDocument/hover", at.clone());
        println!("  hover {:?}", hover.map(|h| h["contents"]["value"].as_str().map(|s| s.lines().take(6).collect::<Vec<_>>().join(" | "))));
        let d = server.ask("textDocument/definition", at.clone());
        println!("  def {:?}", d.map(|d| d.as_array().map(|d| d.iter().map(|l| (l["uri"].as_str().unwrap_or("").rsplit('/').next().unwrap().to_owned(), covered(&l["range"]).or(covered(&l["targetSelectionRange"])))).collect::<Vec<_>>())));
        let mut r = at.clone(); r["context"] = json!({"includeDeclaration": true});
        let d = server.ask("textDocument/references", r);
        println!("  refs {:?}", d.map(|d| d.as_array().map(|d| d.iter().map(|l| covered(&l["range"])).collect::<Vec<_>>())));
        let mut r = at.clone(); r["newName"] = json!("renamed");
        let d = server.ask("textDocument/rename", r);
        println!("  rename {:?}", d.map(|d| d["changes"].as_object().map(|d| d.values().flat_map(|l| l.as_array().unwrap()).map(|l| covered(&l["range"])).collect::<Vec<_>>())));
    }
    let d = server.ask("textDocument/diagnostic", json!({"textDocument": document(folder)}));
    println!("diagnostics {d:#?}");
    let d = server.ask("textDocument/inlayHint", json!({"textDocument": document(folder), "range": {"start": {"line":0,"character":0}, "end": {"line": 100,"character":0}}}))?;
    for h in d.as_array().unwrap() { println!("hint {:?} {}", h["position"], h["label"]); }
    Ok(())
}
