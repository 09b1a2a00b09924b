//! Which file of the program uses which, by the paths that it names and the methods that it calls.

use std::collections::{BTreeMap, BTreeSet};

use crate::lexer::{Kind, Token, closing, tokens};

/// One file of `src/`.
#[derive(Debug)]
pub struct File {
    /// Such as `src/db/session.rs`.
    pub path: String,
    pub source: String,
    pub tokens: Vec<Token>,
    /// Its place in the tree of modules: `["db", "session"]`; nothing for `lib.rs`.
    pub module: Vec<String>,
}

impl File {
    pub fn new(path: &str, source: &str) -> File {
        let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
        let inner = inner.strip_suffix("/mod").unwrap_or(inner);
        let module = inner.split('/').filter(|part| *part != "lib").map(str::to_owned).collect();
        File { path: path.to_owned(), source: source.to_owned(), tokens: tokens(source), module }
    }

    /// The room in which it stands.
    pub fn room(&self) -> &str {
        self.module.first().map_or("", String::as_str)
    }
}

/// Every file, and what each uses: the other's place, and by which name.
#[derive(Debug)]
pub struct Map {
    pub files: Vec<File>,
    pub uses: Vec<BTreeMap<usize, String>>,
}

/// A path that a file names.
struct Named {
    segments: Vec<String>,
    reexport: bool,
}

impl Map {
    pub fn new(mut files: Vec<File>) -> Map {
        // The binary only starts the library.
        files.retain(|file| file.path != "src/main.rs");
        let named: Vec<Vec<Named>> = files.iter().map(|file| paths(&file.tokens)).collect();
        let mut map = Map { uses: vec![BTreeMap::new(); files.len()], files };
        let reexports = map.reexports(&named);
        for (place, named) in named.iter().enumerate() {
            for path in named {
                let Some(path_of) = map.absolute(place, &path.segments) else { continue };
                let Some(target) = map.find(&path_of, &reexports, 8) else { continue };
                let inside = map.files[target].module.starts_with(&map.files[place].module);
                if target != place && !(path.reexport && inside) {
                    map.uses[place].entry(target).or_insert_with(|| path.segments.join("::"));
                }
            }
        }
        map.add_methods();
        map
    }

    /// Whether a file is the front of a room or a sub-room: others stand below it.
    pub fn is_front(&self, place: usize) -> bool {
        let module = &self.files[place].module;
        self.files.iter().any(|file| file.module != *module && file.module.starts_with(module))
    }

    /// The path from the crate's root; nothing for what isn't of this crate.
    fn absolute(&self, place: usize, segments: &[String]) -> Option<Vec<String>> {
        let module = &self.files[place].module;
        let mut base = module.clone();
        let mut rest = segments;
        match segments.first()?.as_str() {
            "crate" | "zoufang" => {
                base.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|segment| segment == "super") {
                    base.pop()?;
                    rest = &rest[1..];
                }
            }
            child => {
                base.push(child.to_owned());
                self.files.iter().find(|file| file.module == base)?;
                rest = &rest[1..];
            }
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    /// The file that defines what a path names, through the names that a room hands on.
    fn find(
        &self,
        path: &[String],
        reexports: &[BTreeMap<String, Vec<String>>],
        hops: usize,
    ) -> Option<usize> {
        let fits = |(_, file): &(usize, &File)| path.starts_with(&file.module);
        let (place, file) =
            self.files.iter().enumerate().filter(fits).max_by_key(|(_, f)| f.module.len())?;
        let handed_on = path.get(file.module.len()).and_then(|name| reexports[place].get(name));
        match handed_on {
            Some(path) if hops > 0 => self.find(path, reexports, hops - 1),
            // A room's macro or the crate's root belongs to no room.
            _ => (!file.module.is_empty()).then_some(place),
        }
    }

    /// By file: each name that it hands on, and where that stands.
    fn reexports(&self, named: &[Vec<Named>]) -> Vec<BTreeMap<String, Vec<String>>> {
        let of_file = |(place, named): (usize, &Vec<Named>)| {
            let handed_on = named.iter().filter(|path| path.reexport);
            let target = |path: &Named| {
                Some((path.segments.last()?.clone(), self.absolute(place, &path.segments)?))
            };
            handed_on.filter_map(target).collect()
        };
        named.iter().enumerate().map(of_file).collect()
    }

    /// Where the methods of a type stand in several files of a room, calling one is calling into its file.
    fn add_methods(&mut self) {
        let rooms: BTreeSet<String> = self.files.iter().map(|f| f.room().to_owned()).collect();
        for room in rooms {
            let in_room = |place: &usize| self.files[*place].room() == room;
            let places: Vec<usize> = (0..self.files.len()).filter(in_room).collect();
            let methods: Vec<_> =
                places.iter().map(|place| methods(&self.files[*place].tokens)).collect();
            let mut spread: BTreeMap<&str, usize> = BTreeMap::new();
            for name in methods.iter().flat_map(BTreeMap::keys) {
                *spread.entry(name).or_default() += 1;
            }
            // What several files define under one name can't be told apart.
            let mut defined: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for (place, methods) in places.iter().zip(&methods) {
                let spread = methods.iter().filter(|(owner, _)| spread[owner.as_str()] > 1);
                for method in spread.flat_map(|(_, methods)| methods) {
                    defined.entry(method).or_default().push(*place);
                }
            }
            let mut found = Vec::new();
            for place in &places {
                let tokens = &self.files[*place].tokens;
                let own: Vec<&str> = functions(tokens).into_iter().map(|(name, _)| name).collect();
                for call in calls(tokens).filter(|call| !own.contains(call)) {
                    if let Some([target]) = defined.get(call).map(Vec::as_slice)
                        && target != place
                    {
                        found.push((*place, *target, format!(".{call}()")));
                    }
                }
            }
            for (place, target, name) in found {
                self.uses[place].entry(target).or_insert(name);
            }
        }
    }

    /// The shortest way from a file back to itself within its room, through none of the files `but`.
    pub fn circle(&self, start: usize, but: &[usize]) -> Option<Vec<usize>> {
        let room = self.files[start].room();
        let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
        let mut next = std::collections::VecDeque::from([start]);
        while let Some(place) = next.pop_front() {
            for target in self.uses[place].keys().copied() {
                if self.files[target].room() != room
                    || came_from.contains_key(&target)
                    || but.contains(&target)
                {
                    continue;
                }
                came_from.insert(target, place);
                if target == start {
                    let mut way = vec![start];
                    let mut at = came_from[&start];
                    while at != start {
                        way.push(at);
                        at = came_from[&at];
                    }
                    way.push(start);
                    way.reverse();
                    return Some(way);
                }
                next.push_back(target);
            }
        }
        None
    }
}

/// The paths that are named: in `use`, and wherever else one begins at `crate`, `self`, `super` or a module.
fn paths(tokens: &[Token]) -> Vec<Named> {
    let mut named = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].is("use") {
            let reexport = at > 0 && (tokens[at - 1].is("pub") || tokens[at - 1].is(")"));
            let mut found = Vec::new();
            at = tree(tokens, at + 1, &[], &mut found);
            named.extend(found.into_iter().map(|segments| Named { segments, reexport }));
            continue;
        }
        let (end, segments) = path(tokens, at);
        if segments.len() > 1 {
            named.push(Named { segments, reexport: false });
        }
        at = end.max(at + 1);
    }
    named
}

fn colons(tokens: &[Token], at: usize) -> bool {
    at + 1 < tokens.len() && tokens[at].is(":") && tokens[at + 1].is(":")
}

/// `a::b::c` at `at`, and where it ends.
fn path(tokens: &[Token], mut at: usize) -> (usize, Vec<String>) {
    let mut segments = Vec::new();
    while let Some(word) = tokens.get(at).and_then(Token::word) {
        segments.push(word.to_owned());
        at += 1;
        if !colons(tokens, at) {
            break;
        }
        at += 2;
    }
    (at, segments)
}

/// The paths of a `use` from `at`, each behind `base`; gives back where it ends.
fn tree(tokens: &[Token], at: usize, base: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let (mut at, segments) = path(tokens, at);
    let mut base = base.to_vec();
    let outermost = base.is_empty();
    base.extend(segments.into_iter().filter(|segment| segment != "self" || outermost));
    if tokens.get(at).is_some_and(|token| token.is("{")) {
        at += 1;
        while at < tokens.len() && !tokens[at].is("}") {
            at = tree(tokens, at, &base, found);
            if tokens.get(at).is_some_and(|token| token.is(",")) {
                at += 1;
            }
        }
        return at + 1;
    }
    while tokens.get(at).is_some_and(|t| t.is("*") || t.is("as") || t.word().is_some()) {
        at += 1;
    }
    found.push(base);
    at
}

/// By type: the methods that its own `impl` blocks in this file define.
fn methods(tokens: &[Token]) -> BTreeMap<String, Vec<String>> {
    let mut methods: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (at, token) in tokens.iter().enumerate() {
        // `impl Tx {`: neither a trait's nor `impl Trait` in a signature.
        let own = token.is("impl") && tokens.get(at + 2).is_some_and(|token| token.is("{"));
        let Some(owner) = tokens.get(at + 1).and_then(Token::word).filter(|_| own) else {
            continue;
        };
        let body = &tokens[at..closing(tokens, at + 2).min(tokens.len())];
        let names = body.windows(2).filter(|pair| pair[0].is("fn"));
        methods
            .entry(owner.to_owned())
            .or_default()
            .extend(names.filter_map(|pair| pair[1].word().map(str::to_owned)));
    }
    methods
}

/// Methods that are called on what such a type is usually called.
fn calls(tokens: &[Token]) -> impl Iterator<Item = &str> {
    const RECEIVERS: [&str; 5] = ["self", "tx", "store", "session", "snapshot"];
    tokens.windows(4).filter_map(|four| {
        let on = four[0].word().is_some_and(|word| RECEIVERS.contains(&word));
        let call = on && four[1].is(".") && four[3].is("(");
        four[2].word().filter(|_| call)
    })
}

/// A function's name and how many lines it has.
pub fn functions(tokens: &[Token]) -> Vec<(&str, usize)> {
    let mut functions = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Some(name) = tokens.get(at + 1).and_then(Token::word).filter(|_| token.is("fn")) else {
            continue;
        };
        let Some(body) = body(tokens, at) else { continue };
        if let Some(end) = tokens.get(closing(tokens, body)) {
            functions.push((name, end.line - token.line + 1));
        }
    }
    functions
}

/// Where the body of the function at `at` begins; nothing for one that is only declared.
fn body(tokens: &[Token], at: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (place, token) in tokens.iter().enumerate().skip(at) {
        match &token.kind {
            Kind::Mark('(' | '[') => depth += 1,
            Kind::Mark(')' | ']') => depth = depth.saturating_sub(1),
            Kind::Mark('{') if depth == 0 => return Some(place),
            Kind::Mark(';') if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Whether these words stand one behind the other with nothing but colons between them.
pub fn names(tokens: &[Token], words: &[&str]) -> bool {
    tokens.iter().enumerate().any(|(at, token)| {
        token.is(words[0]) && {
            let (_, segments) = path(tokens, at);
            segments.len() >= words.len() && words.iter().zip(&segments).all(|(a, b)| a == b)
        }
    })
}

/// The texts in a file.
pub fn texts(tokens: &[Token]) -> impl Iterator<Item = &str> {
    tokens.iter().filter_map(|token| match &token.kind {
        Kind::Text(text) => Some(text.as_str()),
        _ => None,
    })
}
