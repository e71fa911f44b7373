//! What the person who imports has to hear.

/// One thing to hear. Never holds a value of the configuration that could be a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Note {
    kind: Kind,
    text: String,
}

/// What kind of thing it is, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    ToDo,
    NotTaken,
    NotNeeded,
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            Kind::ToDo => "to do",
            Kind::NotTaken => "not taken over",
            Kind::NotNeeded => "not needed",
        };
        write!(f, "{kind}: {}", self.text)
    }
}

/// The notes so far.
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<Note>);

impl Notes {
    /// Notes what the person has to do: the document cannot say it by itself.
    pub(super) fn ask(&mut self, text: impl Into<String>) {
        self.add(Kind::ToDo, &text.into());
    }

    /// Notes what has no counterpart.
    pub(super) fn not_taken(&mut self, text: impl Into<String>) {
        self.add(Kind::NotTaken, &text.into());
    }

    /// Notes what the gateway does without.
    pub(super) fn not_needed(&mut self, text: impl Into<String>) {
        self.add(Kind::NotNeeded, &text.into());
    }

    /// Returns the notes by their kind, otherwise in the order in which they came.
    pub(super) fn sorted(mut self) -> Vec<Note> {
        self.0.sort_by_key(|note| note.kind);
        self.0
    }

    /// Adds a note as one line: names in the configuration may have any character.
    fn add(&mut self, kind: Kind, text: &str) {
        let text = text.replace(char::is_control, " ");
        self.0.push(Note { kind, text });
    }
}
