//! `kolm config reload` and `kolm config apply`: edits of the running gateway, through its admin interface.

use std::path::Path;

use kolm_config::RawConfig;
use kolm_core::{Code, Exit};
use serde_json::Value;

use crate::admin::{Admin, Answer};
use crate::report::{Done, Failure, note, print_json, say};

/// Has the gateway read its file again.
pub(crate) fn reload(data_dir: &Path, json: bool) -> Done {
    let admin = Admin::find(data_dir)?;
    let answer = crate::runtime()?.block_on(admin.reload(&author()))?;
    tell(&answer, json)
}

/// Puts a file's text in force, and into the gateway's own file.
pub(crate) fn apply(file: &Path, if_match: Option<&str>, data_dir: &Path, json: bool) -> Done {
    let raw = RawConfig::read(file)?;
    let admin = Admin::find(data_dir)?;
    let answer = crate::runtime()?.block_on(async {
        let seen = match if_match {
            Some(digest) => digest.to_owned(),
            None => admin.config().await?.digest,
        };
        admin.put_config(raw.text(), &seen, &author()).await
    })?;
    tell(&answer, json)
}

/// Who runs this command.
pub(crate) fn author() -> String {
    let name = crate::env::variable("USER").or_else(|| crate::env::variable("LOGNAME"));
    let name = name.unwrap_or_else(|| rustix::process::getuid().as_raw().to_string());
    let is_name = |c: &char| c.is_ascii_alphanumeric() || "._-@".contains(*c);
    format!("cli:{}", name.chars().filter(is_name).take(48).collect::<String>())
}

fn tell(answer: &Answer, json: bool) -> Done {
    let Answer { status, body } = answer;
    if *status != 200 {
        return refused(*status, body, json);
    }
    if json {
        print_json(body);
        return Ok(Exit::Ok);
    }
    say(format_args!(
        "version {} is in force, digest {}",
        body["config_version"],
        body["digest"].as_str().unwrap_or_default()
    ));
    for change in body["changes"].as_array().into_iter().flatten() {
        if let Ok(change) = serde_json::from_value::<kolm_config::Change>(change.clone()) {
            say(format_args!("  {change}"));
        }
    }
    let late: Vec<&str> =
        body["needs_restart"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !late.is_empty() {
        note(&format!("needs restart: {}", late.join(", ")));
    }
    if body["written"] == false {
        note("it stands in no file and is gone with this process: start with --config FILE to keep edits");
    }
    Ok(Exit::Ok)
}

fn refused(status: u16, body: &Value, json: bool) -> Done {
    let said = body["error"]["message"].as_str().unwrap_or("the gateway gave no reason");
    let problems: Vec<&Value> = body["problems"].as_array().into_iter().flatten().collect();
    if json {
        print_json(body);
        return Ok(Exit::Failed);
    }
    for problem in &problems {
        let part = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
        note(&format!("line {}: {}: {}: {}", problem["line"], part("code"), part("path"), part("message")));
    }
    let hint = match status {
        412 => "somebody else was faster: look at `kolm config diff FILE` and try again",
        422 => "repair what is listed; the old configuration stays in force",
        _ => "`kolm config history` shows what is in force and who brought it",
    };
    Err(Failure::new(Code(16), Exit::Failed, said, hint))
}
