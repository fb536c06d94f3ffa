//! Whether an answer has the form that it was asked in: arguments against their tool's schema, content against the
//! response format.
//!
//! **Invariant:** only what a keyword known here forbids is a miss; an unknown keyword never makes a good answer bad.
//! Depth is bounded, and so is the work a schema that refers to itself can ask for.

use std::cell::Cell;

use kolm_core::Surface;
use serde_json::Value;

use crate::responses;

/// Deeper values, and references that lead on further, are let be.
const MAX_DEPTH: usize = 64;
/// So many rules are looked at; what is left then is let be.
const MAX_STEPS: u32 = 100_000;

/// Whether the first answer breaks a promise that code behind it may rest on: it calls a tool that the request does not
/// declare, or is not of a schema that was called strict.
pub fn breaks(request: &[u8], reply: &[u8]) -> bool {
    let (Ok(request), Ok(reply)) =
        (serde_json::from_slice::<Value>(request), serde_json::from_slice::<Value>(reply))
    else {
        return false;
    };
    let Some(message) = reply.pointer("/choices/0/message") else { return false };
    let content = message.get("content").and_then(Value::as_str).unwrap_or("");
    let strict = request.pointer("/response_format/json_schema/strict") == Some(&Value::Bool(true));
    calls_of(message).any(|call| call_breaks(&request, call)) || (strict && content_misses(&request, content))
}

/// Whether the first answer misses what the request asked: arguments that are no JSON or not the tool's, a content
/// that is not of the response format.
pub fn misses(surface: Surface, request: &[u8], reply: &[u8]) -> bool {
    let (Ok(request), Ok(reply)) =
        (serde_json::from_slice::<Value>(request), serde_json::from_slice::<Value>(reply))
    else {
        return false;
    };
    match surface {
        Surface::Chat => {
            let Some(message) = reply.pointer("/choices/0/message") else { return false };
            let content = message.get("content").and_then(Value::as_str).unwrap_or("");
            calls_of(message).any(|call| call_misses(&request, call)) || content_misses(&request, content)
        }
        Surface::Responses => {
            let Ok(request) = responses::as_chat(&request) else { return false };
            let items = reply.get("output").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let is = |item: &&Value, kind: &str| item.get("type").is_some_and(|found| found == kind);
            let mut calls = items.iter().filter(|item| is(item, "function_call"));
            let content = crate::chat::facts(reply.to_string().as_bytes()).text.unwrap_or_default();
            calls.any(|call| call_misses(&request, call)) || content_misses(&request, &content)
        }
        Surface::Completions
        | Surface::Embeddings
        | Surface::Moderations
        | Surface::Transcriptions
        | Surface::Translations
        | Surface::Other => false,
    }
}

fn call_misses(request: &Value, call: &Value) -> bool {
    let Ok(arguments) = serde_json::from_str::<Value>(text(call, "arguments")) else { return true };
    match declared(request, call) {
        Some(tool) => tool.get("parameters").is_some_and(|schema| !fits(schema, &arguments)),
        None => true,
    }
}

fn call_breaks(request: &Value, call: &Value) -> bool {
    match declared(request, call) {
        Some(tool) => tool.get("strict") == Some(&Value::Bool(true)) && call_misses(request, call),
        None => true,
    }
}

/// The function calls of a message, of either kind.
pub(crate) fn calls_of(message: &Value) -> impl Iterator<Item = &Value> {
    let calls = message.get("tool_calls").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let function = message.get("function_call").filter(|call| call.is_object());
    calls.iter().filter_map(|call| call.get("function")).chain(function)
}

/// The tool that a call names, as the request declares it.
fn declared<'a>(request: &'a Value, call: &Value) -> Option<&'a Value> {
    let list = |key: &str| request.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut tools = list("tools").iter().filter_map(|tool| tool.get("function")).chain(list("functions"));
    tools.find(|tool| tool.get("name").is_some_and(|name| name == text(call, "name")))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

fn content_misses(request: &Value, content: &str) -> bool {
    let Some(format) = request.get("response_format").filter(|_| !content.is_empty()) else { return false };
    let read = || serde_json::from_str::<Value>(content);
    match format.get("type").and_then(Value::as_str) {
        Some("json_object") => !read().is_ok_and(|value| value.is_object()),
        Some("json_schema") => {
            let schema = format.pointer("/json_schema/schema").unwrap_or(&Value::Bool(true));
            !read().is_ok_and(|value| fits(schema, &value))
        }
        Some(_) | None => false,
    }
}

/// Whether `value` is one that `schema` allows, as far as it is understood here.
fn fits(schema: &Value, value: &Value) -> bool {
    Check { root: schema, steps: Cell::new(0) }.fits(schema, value, 0)
}

struct Check<'a> {
    root: &'a Value,
    steps: Cell<u32>,
}

impl Check<'_> {
    fn fits(&self, schema: &Value, value: &Value, depth: usize) -> bool {
        let Some(rules) = schema.as_object() else { return schema != &Value::Bool(false) };
        self.steps.set(self.steps.get() + 1);
        if depth > MAX_DEPTH || self.steps.get() > MAX_STEPS {
            return true;
        }
        let next = |schema: &Value| self.fits(schema, value, depth + 1);
        rules.iter().all(|(key, rule)| match (key.as_str(), rule) {
            ("type", Value::String(kind)) => is_a(kind, value),
            ("type", Value::Array(kinds)) => {
                kinds.iter().filter_map(Value::as_str).any(|kind| is_a(kind, value))
            }
            ("enum", Value::Array(allowed)) => allowed.iter().any(|one| same(one, value)),
            ("const", one) => same(one, value),
            ("anyOf" | "oneOf", Value::Array(all)) => all.iter().any(next),
            ("allOf", Value::Array(all)) => all.iter().all(next),
            ("$ref", Value::String(path)) => {
                match path.strip_prefix('#').and_then(|path| self.root.pointer(path)) {
                    Some(target) => next(target),
                    None => true,
                }
            }
            ("items", rule) => {
                value.as_array().is_none_or(|items| items.iter().all(|item| self.fits(rule, item, depth + 1)))
            }
            ("required", Value::Array(names)) => value
                .as_object()
                .is_none_or(|map| names.iter().filter_map(Value::as_str).all(|name| map.contains_key(name))),
            ("properties", Value::Object(rules)) => value.as_object().is_none_or(|map| {
                rules
                    .iter()
                    .all(|(name, rule)| map.get(name).is_none_or(|member| self.fits(rule, member, depth + 1)))
            }),
            ("additionalProperties", Value::Bool(false)) => value.as_object().is_none_or(|map| {
                let known = rules.get("properties").and_then(Value::as_object);
                rules.contains_key("patternProperties")
                    || map.keys().all(|name| known.is_some_and(|known| known.contains_key(name)))
            }),
            ("minimum", limit) => compare(value, limit, |value, limit| value >= limit),
            ("maximum", limit) => compare(value, limit, |value, limit| value <= limit),
            ("minItems", limit) => compare(&length(value), limit, |length, limit| length >= limit),
            ("maxItems", limit) => compare(&length(value), limit, |length, limit| length <= limit),
            _ => true,
        })
    }
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => true,
    }
}

/// Numbers are equal by value: `1` is `1.0`.
fn same(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().is_some_and(|number| other.as_f64() == Some(number))
}

fn length(value: &Value) -> Value {
    value.as_array().map_or(Value::Null, |items| items.len().into())
}

/// Compares two numbers; anything else is no matter of this rule.
fn compare(value: &Value, limit: &Value, holds: impl Fn(f64, f64) -> bool) -> bool {
    value.as_f64().zip(limit.as_f64()).is_none_or(|(value, limit)| holds(value, limit))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_against_schemas() {
        let person = json!({"type": "object", "required": ["name"], "additionalProperties": false, "properties": {
            "name": {"type": "string"}, "age": {"type": ["integer", "null"], "minimum": 0, "maximum": 150},
            "kind": {"enum": ["a", 1]}, "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
            "child": {"$ref": "#"}, "odd": {"unheard-of": 7}}});
        for (value, want) in [
            (json!({"name": "x"}), true),
            (json!({"name": "x", "age": 7.0, "kind": 1.0, "tags": ["a"], "odd": []}), true),
            (json!({"name": "x", "age": null, "child": {"name": "y"}}), true),
            (json!({}), false),
            (json!([]), false),
            (json!({"name": 7}), false),
            (json!({"name": "x", "age": 7.5}), false),
            (json!({"name": "x", "age": 151}), false),
            (json!({"name": "x", "kind": "b"}), false),
            (json!({"name": "x", "tags": ["a", "b", "c"]}), false),
            (json!({"name": "x", "child": {"name": 7}}), false),
            (json!({"name": "x", "more": 1}), false),
        ] {
            assert_eq!(fits(&person, &value), want, "{value}");
        }
        assert!(fits(&json!({"$ref": "#"}), &json!(1)), "a reference to itself ends");
        let bomb = json!({"allOf": [{"$ref": "#"}, {"$ref": "#"}]});
        assert!(fits(&bomb, &json!(1)), "and so do two");
        assert!(fits(&json!({"anyOf": [{"type": "string"}, {"const": 1}]}), &json!(1)));
        assert!(
            !fits(&json!({"allOf": [{"type": "string"}, true]}), &json!(1))
                && !fits(&json!(false), &json!(1))
        );
    }

    #[test]
    fn answers_against_what_was_asked() {
        let tool = json!({"name": "w", "parameters": {"type": "object", "required": ["city"]}});
        let call = |name: &str, arguments: &str| json!({"name": name, "arguments": arguments});
        let chat = |request: Value, message: Value| {
            let reply = json!({"choices": [{"message": message}]});
            misses(Surface::Chat, request.to_string().as_bytes(), reply.to_string().as_bytes())
        };
        let format = |format: Value, content: &str| {
            chat(json!({"response_format": format}), json!({"content": content}))
        };
        for (name, arguments, want) in
            [("w", r#"{"city":"Bern"}"#, false), ("w", "{}", true), ("w", "{", true), ("v", "{}", true)]
        {
            let request = json!({"tools": [{"type": "function", "function": tool}]});
            let message = json!({"content": null, "tool_calls": [{"function": call(name, arguments)}]});
            assert_eq!(chat(request, message), want, "{name} {arguments}");
            let request = json!({"functions": [tool]});
            assert_eq!(chat(request, json!({"function_call": call(name, arguments)})), want);
            let mut item = call(name, arguments);
            item["type"] = "function_call".into();
            let mut flat = tool.clone();
            flat["type"] = "function".into();
            let (request, reply) = (json!({"input": "x", "tools": [flat]}), json!({"output": [item]}));
            let got =
                misses(Surface::Responses, request.to_string().as_bytes(), reply.to_string().as_bytes());
            assert_eq!(got, want, "{name} {arguments}");
        }
        let schema = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "required": ["a"]}}});
        assert!(
            format(json!({"type": "json_object"}), "[]") && !format(json!({"type": "json_object"}), "{}")
        );
        assert!(
            format(schema.clone(), "{}") && format(schema.clone(), "no") && !format(schema, r#"{"a":1}"#)
        );
        assert!(!format(json!({"type": "text"}), "no") && !misses(Surface::Embeddings, b"{}", b"{}"));
    }
}
