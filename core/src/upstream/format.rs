//! The forms of calls.

/// The form of a call and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Anthropic's messages: `POST /v1/messages`.
    Messages,
    /// Anthropic's token count: `POST /v1/messages/count_tokens`. It costs nothing.
    CountTokens,
    /// OpenAI's chat completions: `POST /v1/chat/completions`.
    ChatCompletions,
    /// OpenAI's responses: `POST /v1/responses`.
    Responses,
    /// OpenAI's embeddings: `POST /v1/embeddings`.
    Embeddings,
}

impl Format {
    /// Every form.
    pub const ALL: [Self; 5] =
        [Self::Messages, Self::CountTokens, Self::ChatCompletions, Self::Responses, Self::Embeddings];

    /// Returns the path of its calls.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Messages => "/v1/messages",
            Self::CountTokens => "/v1/messages/count_tokens",
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Responses => "/v1/responses",
            Self::Embeddings => "/v1/embeddings",
        }
    }

    /// Returns the form of the calls at a path.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.path() == path)
    }

    /// Says whether it is Anthropic's; the others are OpenAI's.
    #[must_use]
    pub const fn is_anthropic(self) -> bool {
        matches!(self, Self::Messages | Self::CountTokens)
    }

    /// Says whether its calls cost anything.
    #[must_use]
    pub const fn is_free(self) -> bool {
        matches!(self, Self::CountTokens)
    }

    /// Returns the members that limit the answer's tokens. Where several are given, a provider may read any of them.
    pub(super) const fn limits(self) -> &'static [&'static str] {
        match self {
            Self::Messages => &["max_tokens"],
            Self::ChatCompletions => &["max_completion_tokens", "max_tokens"],
            Self::Responses => &["max_output_tokens"],
            Self::CountTokens | Self::Embeddings => &[],
        }
    }

    /// Returns the member that says what is asked.
    pub(super) const fn said(self) -> &'static str {
        match self {
            Self::Messages | Self::CountTokens | Self::ChatCompletions => "messages",
            Self::Responses | Self::Embeddings => "input",
        }
    }

    /// Says whether its answers generate tokens.
    pub(super) const fn generates(self) -> bool {
        !matches!(self, Self::CountTokens | Self::Embeddings)
    }
}
