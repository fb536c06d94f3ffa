//! Files of words in sections: `[name]`, and below it entries between commas. A line that begins with `#` is a remark.

use std::ops::Range;

use super::keywords::{Begins, Hit, Keywords};

/// Every entry with the name of its section.
fn sectioned(source: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut section = "";
    source.lines().filter(|line| !line.starts_with('#')).flat_map(move |line| {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
            return Vec::new();
        }
        let entries = line.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(|entry| (section, entry)).collect()
    })
}

/// Every entry with what its section stands for; what stands below no known name is left out.
pub(crate) fn entries<K: Copy>(
    source: &'static str,
    names: &'static [(&'static str, K)],
) -> impl Iterator<Item = (K, &'static str)> {
    sectioned(source).filter_map(|(section, entry)| {
        names.iter().find(|(name, _)| *name == section).map(|(_, kind)| (*kind, entry))
    })
}

/// The entries of one section.
pub(crate) fn entries_of<C: FromIterator<&'static str>>(source: &'static str, section: &str) -> C {
    sectioned(source).filter(|(name, _)| *name == section).map(|(_, entry)| entry).collect()
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
        self.exact(text, self.keywords.hits(text.as_bytes()))
    }

    /// Those of [`Search::hits`] that begin where words do.
    pub(crate) fn hits_of_words(
        &self,
        text: &str,
        begins: &Begins,
    ) -> impl Iterator<Item = (Range<usize>, K)> {
        self.exact(text, self.keywords.hits_of_words(text.as_bytes(), begins))
    }

    /// Hits that are written as their entry is.
    fn exact(&self, text: &str, hits: Vec<Hit>) -> impl Iterator<Item = (Range<usize>, K)> {
        hits.into_iter().filter_map(|hit| {
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
        assert_eq!(entries_of::<Vec<_>>("[one]\na, b\n[two]\nc\n[one]\nd", "one"), ["a", "b", "d"]);
        let search = Search::of(all());
        assert_eq!(search.hits("xab").collect::<Vec<_>>(), [(1..3, 1), (2..3, 2)]);
    }
}
