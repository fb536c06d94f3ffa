//! Tools, functions and the choice among them.

use std::collections::HashSet;

use serde_json::Value;

use super::member::{self, Members};
use crate::error::ApiError;

/// Which tools an answer may or must call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice {
    /// No call.
    None,
    /// Calls or text.
    Auto,
    /// One call at least, of any of the tools that are left.
    Required,
    /// A call of exactly this function.
    Function(String),
}

pub(super) struct Tools {
    /// The functions that may be called; `allowed_tools` has already been applied.
    pub(super) names: Vec<String>,
    pub(super) choice: ToolChoice,
}

pub(super) fn check(top: &Members<'_>) -> Result<Tools, ApiError> {
    let mut names = functions(top)?;
    let deprecated = names.len();
    names.extend(tools(top)?);
    let choice = match top.get("tool_choice") {
        Some(choice) => tool_choice(choice, &mut names)?,
        None => function_call(top, &names[..deprecated])?,
    };
    Ok(Tools { names, choice })
}

/// The member `name`: 1 to 64 of letters, digits, `_` and `-`.
pub(super) fn name<'a>(of: &Members<'a>) -> Result<&'a str, ApiError> {
    let name = of.required_string("name")?;
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    if fits {
        return Ok(name);
    }
    let param = of.param("name");
    Err(ApiError::invalid(
        &param,
        format!("Invalid '{param}': expected 1 to 64 of a-z, A-Z, 0-9, '_' and '-'."),
    ))
}

fn functions(top: &Members<'_>) -> Result<Vec<String>, ApiError> {
    let functions = top.array("functions", 1, 128)?.unwrap_or_default();
    named(functions.iter().enumerate().map(|(i, function)| Members::of(function, &format!("functions[{i}]"))))
}

fn tools(top: &Members<'_>) -> Result<Vec<String>, ApiError> {
    let tools = top.array("tools", 0, usize::MAX)?.unwrap_or_default();
    let mut functions = Vec::new();
    for (i, tool) in tools.iter().enumerate() {
        let tool = Members::of(tool, &format!("tools[{i}]"))?;
        if tool.required_choice("type", &["function", "custom"])? == "function" {
            functions.push(tool.required_object("function"));
        } else {
            // Custom tools are accepted and never called.
            tool.required_object("custom")?.required_string("name")?;
        }
    }
    named(functions.into_iter())
}

fn named<'a>(
    functions: impl Iterator<Item = Result<Members<'a>, ApiError>>,
) -> Result<Vec<String>, ApiError> {
    let (mut names, mut seen) = (Vec::new(), HashSet::new());
    for function in functions {
        let function = function?;
        let name = name(&function)?;
        if !seen.insert(name) {
            let param = function.param("name");
            return Err(ApiError::invalid(
                &param,
                format!("Invalid '{param}': another one has the same name."),
            ));
        }
        function.string("description")?;
        function.object("parameters")?;
        function.boolean("strict")?;
        names.push(name.to_owned());
    }
    Ok(names)
}

fn tool_choice(choice: &Value, names: &mut Vec<String>) -> Result<ToolChoice, ApiError> {
    if let Some(word) = choice.as_str() {
        return match word {
            "none" => Ok(ToolChoice::None),
            "auto" => Ok(ToolChoice::Auto),
            "required" => required("tool_choice", names),
            _ => Err(member::not_one_of("tool_choice", &["none", "auto", "required"])),
        };
    }
    let choice =
        choice.as_object().ok_or_else(|| member::wrong_type("tool_choice", "a string or an object"))?;
    let choice = Members::under(choice, "tool_choice");
    match choice.required_choice("type", &["function", "custom", "allowed_tools"])? {
        "function" => forced(&choice.required_object("function")?, names),
        "custom" => {
            choice.required_object("custom")?.required_string("name")?;
            Err(ApiError::unsupported("tool_choice", "This model does not call custom tools."))
        }
        _ => allowed(&choice.required_object("allowed_tools")?, names),
    }
}

fn allowed(allowed: &Members<'_>, names: &mut Vec<String>) -> Result<ToolChoice, ApiError> {
    let mode = allowed.required_choice("mode", &["auto", "required"])?;
    let tools = allowed.array("tools", 0, usize::MAX)?;
    let tools = tools.map_or_else(|| allowed.required("tools").map(|_| &[][..]), Ok)?;
    let named = |tool: &Value| tool.pointer("/function/name").and_then(Value::as_str).map(str::to_owned);
    let wanted: HashSet<String> = tools.iter().filter_map(named).collect();
    names.retain(|name| wanted.contains(name));
    if mode == "auto" { Ok(ToolChoice::Auto) } else { required("tool_choice.allowed_tools", names) }
}

/// The deprecated `function_call`; without one, functions and tools are called as the model likes.
fn function_call(top: &Members<'_>, functions: &[String]) -> Result<ToolChoice, ApiError> {
    match top.get("function_call") {
        None => Ok(ToolChoice::Auto),
        Some(Value::String(word)) => match word.as_str() {
            "none" => Ok(ToolChoice::None),
            "auto" => Ok(ToolChoice::Auto),
            _ => Err(member::not_one_of("function_call", &["none", "auto"])),
        },
        Some(choice) => forced(&Members::of(choice, "function_call")?, functions),
    }
}

fn forced(function: &Members<'_>, names: &[String]) -> Result<ToolChoice, ApiError> {
    let name = function.required_string("name")?;
    if names.iter().any(|known| known == name) {
        return Ok(ToolChoice::Function(name.to_owned()));
    }
    Err(ApiError::invalid(
        function.param("name"),
        "The function that is to be called is not among the tools.",
    ))
}

fn required(param: &str, names: &[String]) -> Result<ToolChoice, ApiError> {
    if names.is_empty() {
        return Err(ApiError::invalid(param, "A call is required, but no function is given."));
    }
    Ok(ToolChoice::Required)
}
