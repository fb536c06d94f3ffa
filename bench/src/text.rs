//! The words that go over the wire: chat requests and replies of an exact size.
//!
//! **Invariant:** the same number always makes the same text; a body has exactly the size asked for.

/// Sentences of a support desk; some name a person, a number or an address, as real ones do.
const SENTENCES: [&str; 10] = [
    "I ordered a pair of running shoes last week and the parcel has still not arrived. ",
    "The tracking page says that it was handed to the neighbour, but nobody there knows of it. ",
    "My name is Hannah Lindqvist and the order number is 4471-2290. ",
    "Could you please check with the carrier and tell me what I should do next? ",
    "You can reach me at hannah.lindqvist@example.com or in the evening by phone. ",
    "The invoice shows a shipping fee that the shop had promised to waive. ",
    "Last time a replacement was sent within two days, which would be fine again. ",
    "If the shoes are out of stock in that size, a refund to the same card is fine as well. ",
    "I have attached the confirmation that I received on the third of March. ",
    "Thank you very much for looking into this so quickly. ",
];

/// `length` bytes of plain text, a different one for every `seed`.
fn words(length: usize, seed: usize) -> String {
    let mut text = format!("Ticket {seed}. ");
    let mut at = seed;
    while text.len() < length {
        text.push_str(SENTENCES[at % SENTENCES.len()]);
        at += 3;
    }
    text.truncate(length);
    text
}

/// A chat request of `size` bytes; one that is asked for a smaller size than the frame around the text has no text.
pub(crate) fn request(model: &str, size: usize, stream: bool, seed: usize) -> String {
    let stream = if stream { "\"stream\":true," } else { "" };
    let before = format!(
        "{{\"model\":\"{model}\",{stream}\"messages\":[{{\"role\":\"system\",\"content\":\"You sort support tickets.\"}},\
         {{\"role\":\"user\",\"content\":\""
    );
    sized(&before, "\"}]}", size, seed)
}

/// A chat completion of `size` bytes.
pub(crate) fn reply(size: usize) -> String {
    let before = "{\"id\":\"chatcmpl-bench0000000000000000000000\",\"object\":\"chat.completion\",\"created\":1750000000,\
                  \"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"";
    let after = "\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":180,\
                 \"completion_tokens\":90,\"total_tokens\":270},\"service_tier\":\"default\",\"system_fingerprint\":\"fp_bench\"}";
    sized(before, after, size, 1)
}

fn sized(before: &str, after: &str, size: usize, seed: usize) -> String {
    format!("{before}{}{after}", words(size.saturating_sub(before.len() + after.len()), seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_of_the_size_asked_for() {
        for size in [1_024, 4_096, 102_400] {
            for body in [request("mock-reply-1024", size, false, 7), request("m", size, true, 8), reply(size)]
            {
                assert_eq!(body.len(), size);
                serde_json::from_str::<serde_json::Value>(&body).unwrap();
            }
        }
        assert_ne!(request("m", 1_024, false, 1), request("m", 1_024, false, 2));
    }
}
