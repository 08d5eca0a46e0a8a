//! The SCIM filter grammar (RFC 7644, 3.4.2.2), less value paths, for which Roster's users have no
//! attribute.

use std::str::FromStr;

use domain::{Timestamp, error::Violation};

use super::{Attribute, Comparison, FlagAttribute, Predicate, Specification, TextTest};

/// Characters a filter may have.
pub const MAX_CHARS: usize = 1024;

/// Parentheses that may be open at once: the parser and all who evaluate recurse as deep.
pub const MAX_DEPTH: usize = 16;

/// Predicates a filter may have: each is a pass over all users.
pub const MAX_PREDICATES: usize = 32;

impl FromStr for Specification {
    type Err = Violation;

    /// Reads a filter.
    ///
    /// # Errors
    /// What was expected where; the place is a character, counted from 1.
    fn from_str(raw: &str) -> Result<Self, Violation> {
        if raw.chars().count() > MAX_CHARS {
            let message = format!("has more than {MAX_CHARS} characters");
            return Err(Violation::new("too-long", message));
        }
        let mut parser = Parser {
            raw,
            at: 0,
            depth: 0,
            predicates: 0,
        };
        let specification = parser.any()?;
        match parser.peek()? {
            None => Ok(specification),
            Some(token) => Err(parser.expected("and, or, or the end", token.start)),
        }
    }
}

struct Parser<'a> {
    raw: &'a str,
    /// The byte after the last token taken.
    at: usize,
    depth: usize,
    predicates: usize,
}

#[derive(Debug, Clone)]
struct Token<'a> {
    kind: Kind<'a>,
    /// Its first byte.
    start: usize,
    /// The byte after its last.
    end: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind<'a> {
    Open,
    Close,
    /// A name, an operator, a literal.
    Word(&'a str),
    /// What a JSON string says.
    Text(String),
}

impl Token<'_> {
    fn is_word(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Word(this) if this.eq_ignore_ascii_case(word))
    }
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Result<Specification, Violation> {
        let mut parts = vec![self.all()?];
        while self.take_word("or")? {
            parts.push(self.all()?);
        }
        Ok(single_or(parts, Specification::Any))
    }

    fn all(&mut self) -> Result<Specification, Violation> {
        let mut parts = vec![self.one()?];
        while self.take_word("and")? {
            parts.push(self.one()?);
        }
        Ok(single_or(parts, Specification::All))
    }

    /// An attribute's name stands where `not` may; no attribute is called so.
    fn one(&mut self) -> Result<Specification, Violation> {
        let negated = self.take_word("not")?;
        let token = self.next("an attribute, not, or (")?;
        match token.kind {
            Kind::Open => {
                let inner = self.group(token.start)?;
                Ok(if negated { inner.not() } else { inner })
            }
            Kind::Word(name) if !negated => self.predicate(name, token.start).map(Into::into),
            _ if negated => Err(self.expected("( after not", token.start)),
            _ => Err(self.expected("an attribute, not, or (", token.start)),
        }
    }

    /// What stands between the parenthesis just taken and its partner.
    fn group(&mut self, start: usize) -> Result<Specification, Violation> {
        if self.depth == MAX_DEPTH {
            return Err(self.expected(&format!("at most {MAX_DEPTH} parentheses"), start));
        }
        self.depth += 1;
        let inner = self.any()?;
        self.depth -= 1;
        let token = self.next("and, or, or )")?;
        match token.kind {
            Kind::Close => Ok(inner),
            _ => Err(self.expected("and, or, or )", token.start)),
        }
    }

    fn predicate(&mut self, name: &str, start: usize) -> Result<Predicate, Violation> {
        if self.predicates == MAX_PREDICATES {
            return Err(self.expected(&format!("at most {MAX_PREDICATES} conditions"), start));
        }
        self.predicates += 1;
        let known = "one of email, name, roles, active, emailVerified, createdAt, updatedAt";
        let attribute = Attribute::named(name).ok_or_else(|| self.expected(known, start))?;
        let operators = match attribute {
            Attribute::Text(_) => "one of eq, ne, co, sw, ew, gt, ge, lt, le, pr",
            Attribute::Time(_) => "one of eq, ne, gt, ge, lt, le, pr",
            Attribute::Flag(_) => "one of eq, ne, pr",
        };
        let operator = self.next(operators)?;
        let Kind::Word(word) = operator.kind else {
            return Err(self.expected(operators, operator.start));
        };
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Predicate::Present(attribute));
        }
        let unknown = || self.expected(operators, operator.start);
        match attribute {
            Attribute::Text(attribute) => {
                let test = TextTest::named(word).ok_or_else(unknown)?;
                let (value, _) = self.text("a text in quotes")?;
                Ok(Predicate::text(attribute, test, &value))
            }
            Attribute::Time(attribute) => {
                let comparison = Comparison::named(word).ok_or_else(unknown)?;
                let expected = "an RFC 3339 time in quotes";
                let (text, start) = self.text(expected)?;
                let time = text.parse::<Timestamp>();
                let time = time.map_err(|_| self.expected(expected, start))?;
                Ok(Predicate::Time(attribute, comparison, time))
            }
            Attribute::Flag(attribute) => match Comparison::named(word) {
                Some(Comparison::Equal) => self.flag(attribute, true),
                Some(Comparison::NotEqual) => self.flag(attribute, false),
                _ => Err(unknown()),
            },
        }
    }

    fn flag(&mut self, attribute: FlagAttribute, equal: bool) -> Result<Predicate, Violation> {
        let token = self.next("true or false")?;
        // Literals of JSON, in their one letter case.
        match token.kind {
            Kind::Word("true") => Ok(Predicate::Flag(attribute, equal)),
            Kind::Word("false") => Ok(Predicate::Flag(attribute, !equal)),
            _ => Err(self.expected("true or false", token.start)),
        }
    }

    /// A text, and where it starts.
    fn text(&mut self, expected: &str) -> Result<(String, usize), Violation> {
        let token = self.next(expected)?;
        match token.kind {
            Kind::Text(text) => Ok((text, token.start)),
            _ => Err(self.expected(expected, token.start)),
        }
    }

    fn take_word(&mut self, word: &str) -> Result<bool, Violation> {
        match self.peek()? {
            Some(token) if token.is_word(word) => {
                self.at = token.end;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn next(&mut self, expected: &str) -> Result<Token<'a>, Violation> {
        let token = self.peek()?;
        let token = token.ok_or_else(|| self.expected(expected, self.raw.len()))?;
        self.at = token.end;
        Ok(token)
    }

    fn peek(&self) -> Result<Option<Token<'a>>, Violation> {
        let rest = self.raw.get(self.at..).unwrap_or_default();
        let trimmed = rest.trim_start();
        let start = self.raw.len() - trimmed.len();
        let (kind, length) = match trimmed.chars().next() {
            None => return Ok(None),
            Some('(') => (Kind::Open, 1),
            Some(')') => (Kind::Close, 1),
            Some('"') => self.quoted(trimmed, start)?,
            Some(_) => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"');
                let length = trimmed.find(ends).unwrap_or(trimmed.len());
                (
                    Kind::Word(trimmed.get(..length).unwrap_or_default()),
                    length,
                )
            }
        };
        let end = start + length;
        Ok(Some(Token { kind, start, end }))
    }

    /// The JSON string at the start of `rest`, and its bytes.
    fn quoted(&self, rest: &str, start: usize) -> Result<(Kind<'a>, usize), Violation> {
        let mut strings = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        match strings.next() {
            Some(Ok(text)) => Ok((Kind::Text(text), strings.byte_offset())),
            _ => Err(self.expected("a JSON string", start)),
        }
    }

    fn expected(&self, what: &str, byte: usize) -> Violation {
        let before = self.raw.get(..byte).unwrap_or_default();
        let character = before.chars().count() + 1;
        let message = format!("at character {character}: expected {what}");
        Violation::new("invalid-filter", message)
    }
}

/// The one part as it is, or several joined.
fn single_or(
    mut parts: Vec<Specification>,
    join: fn(Vec<Specification>) -> Specification,
) -> Specification {
    if parts.len() == 1 {
        parts.swap_remove(0)
    } else {
        join(parts)
    }
}
