//! Files of words in sections: `[name]`, and below it entries between commas. A line that begins with `#` is a remark.

use std::ops::Range;

use super::keywords::Keywords;

/// Every entry with what its section stands for; what stands below no known name is left out.
pub(crate) fn entries<K: Copy>(
    source: &'static str,
    names: &'static [(&'static str, K)],
) -> impl Iterator<Item = (K, &'static str)> {
    let mut kind = None;
    source.lines().filter(|line| !line.starts_with('#')).flat_map(move |line| {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            kind = names.iter().find(|(section, _)| *section == name).map(|(_, kind)| *kind);
            return Vec::new();
        }
        let entries = line.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        kind.map(|kind| entries.map(|entry| (kind, entry)).collect()).unwrap_or_default()
    })
}

/// Entries that are searched for all at once.
pub(crate) struct Search<K> {
    keywords: Keywords,
    entries: Vec<(K, &'static str)>,
}

impl<K: Copy> Search<K> {
    pub(crate) fn of(entries: impl Iterator<Item = (K, &'static str)>) -> Self {
        let entries: Vec<(K, &'static str)> = entries.collect();
        Self { keywords: Keywords::of(entries.iter().map(|(_, entry)| *entry)), entries }
    }

    /// Every place of every entry, one within another too.
    pub(crate) fn hits(&self, text: &str) -> impl Iterator<Item = (Range<usize>, K)> {
        self.keywords.hits(text.as_bytes()).into_iter().filter_map(|hit| {
            let (kind, entry) = self.entries[hit.word];
            let range = hit.start..hit.end;
            (text.get(range.clone()) == Some(entry)).then_some((range, kind))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_know_their_section_and_are_found_within_each_other() {
        let all = || {
            entries(
                "# a remark\nno section\n[one]\na b, ab\n[what]\nz\n[two]\nb,,",
                &[("one", 1), ("two", 2)],
            )
        };
        assert_eq!(all().collect::<Vec<_>>(), [(1, "a b"), (1, "ab"), (2, "b")]);
        let search = Search::of(all());
        assert_eq!(search.hits("xab").collect::<Vec<_>>(), [(1..3, 1), (2..3, 2)]);
    }
}
