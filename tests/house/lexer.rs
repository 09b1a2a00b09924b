//! A source text as tokens: comments go, text in quotes is one token, code that is only built for tests goes too.

/// A token and the line on which it begins.
#[derive(Debug, Clone)]
pub struct Token {
    pub kind: Kind,
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Word(String),
    /// What stands between quotes.
    Text(String),
    Mark(char),
}

impl Token {
    pub fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub fn is(&self, what: &str) -> bool {
        match &self.kind {
            Kind::Word(word) => word == what,
            Kind::Text(_) => false,
            Kind::Mark(mark) => what.chars().eq([*mark]),
        }
    }
}

/// The tokens of `source` that are built into the program.
pub fn tokens(source: &str) -> Vec<Token> {
    without_tests(Lexer { rest: source.chars().collect(), at: 0, line: 1 }.run())
}

struct Lexer {
    rest: Vec<char>,
    at: usize,
    line: usize,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> char {
        self.rest.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn next(&mut self) -> char {
        let next = self.peek(0);
        self.at += 1;
        self.line += usize::from(next == '\n');
        next
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == c)
    }

    fn run(mut self) -> Vec<Token> {
        let mut tokens = Vec::new();
        while self.at < self.rest.len() {
            let line = self.line;
            if let Some(kind) = self.token() {
                tokens.push(Token { kind, line });
            }
        }
        tokens
    }

    fn token(&mut self) -> Option<Kind> {
        let first = self.peek(0);
        if self.starts_with("//") {
            while self.at < self.rest.len() && self.peek(0) != '\n' {
                self.next();
            }
            None
        } else if self.starts_with("/*") {
            self.block_comment();
            None
        } else if first == '"' {
            Some(self.text())
        } else if first == '\'' {
            self.quote()
        } else if is_word(first) {
            Some(self.word())
        } else {
            self.next();
            (!first.is_whitespace()).then_some(Kind::Mark(first))
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.rest.len() {
            if self.starts_with("/*") {
                depth += 1;
                self.next();
            } else if self.starts_with("*/") {
                depth -= 1;
                self.next();
            }
            self.next();
            if depth == 0 {
                return;
            }
        }
    }

    fn text(&mut self) -> Kind {
        self.next();
        let mut text = String::new();
        while self.at < self.rest.len() {
            match self.next() {
                '"' => break,
                '\\' => {
                    text.push('\\');
                    text.push(self.next());
                }
                c => text.push(c),
            }
        }
        Kind::Text(text)
    }

    /// Raw text: `r"…"`, `r#"…"#`.
    fn raw(&mut self) -> Kind {
        let mut hashes = 0;
        while self.peek(0) == '#' {
            hashes += 1;
            self.next();
        }
        self.next();
        let end: String = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
        let mut text = String::new();
        while self.at < self.rest.len() && !self.starts_with(&end) {
            text.push(self.next());
        }
        for _ in 0..=hashes {
            self.next();
        }
        Kind::Text(text)
    }

    /// A character, which says nothing here, or a lifetime.
    fn quote(&mut self) -> Option<Kind> {
        self.next();
        if self.peek(0) == '\\' || self.peek(1) == '\'' {
            if self.next() == '\\' {
                self.next();
            }
            while self.at < self.rest.len() && self.next() != '\'' {}
            return None;
        }
        while is_word(self.peek(0)) {
            self.next();
        }
        None
    }

    fn word(&mut self) -> Kind {
        let mut word = String::new();
        while is_word(self.peek(0)) {
            word.push(self.next());
        }
        let raw = ["r", "br", "cr"].contains(&word.as_str());
        if raw && (self.peek(0) == '"' || self.peek(0) == '#' && ['#', '"'].contains(&self.peek(1)))
        {
            self.raw()
        } else if ["b", "c"].contains(&word.as_str()) && self.peek(0) == '"' {
            self.text()
        } else {
            Kind::Word(word)
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Takes away each item behind `#[cfg(test)]`.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let marked = tokens.len() >= at + MARK.len()
            && MARK.iter().zip(&tokens[at..]).all(|(mark, token)| token.is(mark));
        if marked {
            at = end_of_item(&tokens, at + MARK.len());
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// Behind the item that begins at `at`: behind its semicolon or its braces.
fn end_of_item(tokens: &[Token], mut at: usize) -> usize {
    while at < tokens.len() && !tokens[at].is("{") {
        if tokens[at].is(";") {
            return at + 1;
        }
        at += 1;
    }
    closing(tokens, at) + 1
}

/// The place of the brace that closes the one at `at`.
pub fn closing(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0usize;
    for (place, token) in tokens.iter().enumerate().skip(at) {
        if token.is("{") {
            depth += 1;
        } else if token.is("}") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return place;
            }
        }
    }
    tokens.len()
}
