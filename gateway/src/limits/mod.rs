//! Budgets at work: one account for each key and namespace that has limits, one pass for each request under way.
//!
//! **Invariant:** a pass gives back what it took when it is dropped, whatever became of its request; an account's lock
//! is held for a decision and nothing else, and no lock is shared by accounts.

mod heir;
mod ledger;
mod refusal;
mod usage;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use kolm_config::OnUnknownPrice;
use kolm_core::Timestamp;
use kolm_policies::limit::charge::{self, Charge};
use kolm_policies::limit::{self, Held, Limits as Bounds, Refusal, State, Step, Use};
use kolm_policies::price::{self, Price};
use kolm_wire::spend;

pub use self::heir::Heir;
pub(crate) use self::ledger::keep;
pub(crate) use self::usage::settle;
use crate::admit::Admitted;
use crate::answer::Answer;
use crate::error::Error;
use crate::namespace::Caller;
use crate::table::{Shared, keyed};

/// All accounts. There are as many as there are limited keys and namespaces, so their number is the operator's.
#[derive(Default)]
pub struct Limits {
    accounts: ArcSwap<HashMap<String, Arc<Account>>>,
    common: Arc<Common>,
    /// Held while an account comes into being.
    births: Mutex<()>,
    /// The accounts of the process before, as far as its requests have used them.
    theirs: Mutex<HashMap<String, State>>,
    file: Option<PathBuf>,
}

/// What all accounts share.
#[derive(Default)]
struct Common {
    /// Money was spent that is not on disk yet.
    changed: AtomicBool,
    /// The process that counts in this one's place.
    heir: OnceLock<Heir>,
}

/// How far one key or namespace has used its limits.
struct Account {
    name: String,
    kept: Mutex<Kept>,
    common: Arc<Common>,
}

#[derive(Default)]
struct Kept {
    state: State,
    /// The heir knows this account, and is told of its steps.
    told: bool,
}

/// A request's leave to be under way.
pub(crate) struct Pass {
    seats: Vec<Seat>,
    price: OnceLock<Option<Price>>,
    settled: AtomicBool,
}

/// Whose limit it is, as its holder is told.
type Whose = &'static str;

/// Its place at one account.
struct Seat {
    whose: Whose,
    account: Arc<Account>,
    bounds: Bounds,
    held: OnceLock<Held>,
}

impl Limits {
    /// Accounts with the money that earlier runs have spent.
    ///
    /// # Errors
    /// What was spent cannot be read: budgets would silently begin anew.
    pub fn open(data_dir: &Path) -> Result<Self, Error> {
        let file = data_dir.join("run/spend.json");
        let common = Arc::<Common>::default();
        let account = |(name, state): (String, State)| {
            let kept = Mutex::new(Kept { state, told: false });
            (name.clone(), Arc::new(Account { name, kept, common: Arc::clone(&common) }))
        };
        let accounts: HashMap<_, _> = ledger::read(&file)?.into_iter().map(account).collect();
        let accounts = ArcSwap::from_pointee(accounts);
        Ok(Self { accounts, common, file: Some(file), ..Self::default() })
    }

    fn account(&self, name: String) -> Arc<Account> {
        if let Some(known) = self.accounts.load().get(&name) {
            return Arc::clone(known);
        }
        let _births = self.births.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = Mutex::new(Kept { told: self.common.heir.get().is_some(), ..Kept::default() });
        let new = Arc::new(Account { name: name.clone(), kept, common: Arc::clone(&self.common) });
        self.accounts.rcu(|accounts| {
            let mut accounts = HashMap::clone(accounts);
            accounts.entry(name.clone()).or_insert_with(|| Arc::clone(&new));
            accounts
        });
        self.accounts.load().get(&name).map_or(new, Arc::clone)
    }
}

impl Account {
    /// Puts the next state in the place of this one, if there is one, and tells the heir where there is one.
    fn change(
        &self,
        bounds: &Bounds,
        at: Timestamp,
        decide: impl FnOnce(State) -> Result<(State, Step), Refusal>,
    ) -> Result<Step, Refusal> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, step) = decide(kept.state)?;
        if (next.day, next.month) != (kept.state.day, kept.state.month) {
            self.common.changed.store(true, Ordering::Release);
        }
        kept.state = next;
        let told = kept.told;
        drop(kept);
        if let Some(heir) = self.common.heir.get().filter(|_| told) {
            heir::tell(heir, &self.name, bounds, at, step);
        }
        Ok(step)
    }
}

impl Pass {
    /// Whether the reply has to be read for what it used.
    pub(crate) fn counts_use(&self) -> bool {
        self.seats.iter().any(|seat| seat.bounds.counts_use())
    }

    fn has_money(&self) -> bool {
        self.seats.iter().any(|seat| seat.bounds.has_money())
    }

    /// Puts what was used in the place of what was held; the first time alone counts.
    fn settle(&self, now: Timestamp, used: Use) {
        if self.settled.swap(true, Ordering::AcqRel) {
            return;
        }
        for seat in &self.seats {
            let held = seat.held.get().copied().unwrap_or_default();
            seat.take(
                now,
                |state| limit::settle(&seat.bounds, state, now, held, used),
                Step::Settled { held, used },
            );
        }
    }
}

impl Seat {
    /// A step that nobody can refuse.
    fn take(&self, at: Timestamp, next: impl FnOnce(State) -> State, step: Step) {
        let taken = self.account.change(&self.bounds, at, |state| Ok((next(state), step)));
        taken.map(|_| ()).unwrap_or_default();
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.settle(Timestamp::default(), Use::default());
        for seat in &self.seats {
            seat.take(Timestamp::default(), limit::leave, Step::Left);
        }
    }
}

/// Lets a request begin: what its head says suffices. `None` where nothing limits it.
pub(crate) fn enter(shared: &Shared, admitted: &Admitted) -> Result<Option<Arc<Pass>>, Answer> {
    let mut pass = Pass { seats: Vec::new(), price: OnceLock::new(), settled: AtomicBool::new(false) };
    let charge = charge_of(admitted, true);
    // The key goes first: one that is over its own limit uses nothing of what it shares with others.
    for (whose, name, bounds) in bounds(shared, admitted).into_iter().flatten() {
        let account = shared.limits.account(name);
        let enter =
            |state| limit::enter(&bounds, state, admitted.at, charge).map(|next| (next, Step::Entered));
        account.change(&bounds, admitted.at, enter).map_err(|no| refusal::answer(shared, whose, &no))?;
        pass.seats.push(Seat { whose, account, bounds, held: OnceLock::new() });
    }
    Ok((!pass.seats.is_empty()).then(|| Arc::new(pass)))
}

fn bounds(shared: &Shared, admitted: &Admitted) -> [Option<(Whose, String, Bounds)>; 2] {
    let namespaces = &admitted.table.config.namespaces;
    let per_key = |home| namespaces.get(home).map(|settings| settings.key_limits).unwrap_or_default();
    let of_key = match &admitted.who {
        Caller::Issued(key) => {
            let bounds = key.limits.or(per_key(&key.namespace));
            (!bounds.is_empty()).then(|| ("this key", format!("key:{}", key.id), bounds))
        }
        Caller::Configured(owner, digest) => {
            let (bounds, name) = (per_key(owner), || keyed(&shared.route_key, &[b"limit", digest]));
            (!bounds.is_empty())
                .then(|| ("this key", format!("key:configured-{}", kolm_core::hex(&name()[..8])), bounds))
        }
        Caller::Stranger | Caller::Refused(_) => None,
    };
    let shared_by_all = namespaces.get(&admitted.namespace).filter(|settings| !settings.limits.is_empty());
    let of_all = shared_by_all
        .map(|settings| ("this namespace", format!("namespace:{}", admitted.namespace), settings.limits));
    [of_key, of_all]
}

/// Holds what a request with this body may use.
pub(crate) fn reserve(shared: &Shared, admitted: &Admitted, model: &str, body: &[u8]) -> Result<(), Answer> {
    let Some(pass) = admitted.pass.as_ref().filter(|pass| pass.counts_use()) else { return Ok(()) };
    if charge_of(admitted, true) == Charge::Free {
        return Ok(());
    }
    let asked = spend::asked(body);
    let tokens_in = charge::tokens_of(body.len() as u64);
    let tokens_out = charge::answer_tokens(admitted.surface(), asked.max_out, asked.answers);
    let price = admitted.upstream().and_then(|upstream| upstream.price(model));
    if price.is_none() {
        unpriced(shared, admitted, pass, Some(model))?;
    }
    pass.price.get_or_init(|| price);
    let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
    let cost_at = |price: Price| price::cost(&price, count(tokens_in), 0, count(tokens_out));
    // Whoever stands in for the upstream may be dearer; what is charged in the end is the price of the one that served.
    let cost = price.into_iter().chain(stand_ins(admitted, model)).map(cost_at).max();
    let ask = Use { tokens: tokens_in.saturating_add(tokens_out), cost: cost.unwrap_or_default() };
    hold(shared, pass, ask)
}

/// What the model costs at the upstreams that may be asked instead.
fn stand_ins(admitted: &Admitted, model: &str) -> Vec<Price> {
    let upstreams = &admitted.table.config.upstreams;
    let names = admitted.upstream().map_or(&[][..], |upstream| &upstream.failover);
    names.iter().filter_map(|name| upstreams.get(name)?.price(model)).collect()
}

/// The same for what passes verbatim: its body is not read, so its model is not known.
pub(crate) fn reserve_unread(
    shared: &Shared,
    admitted: &Admitted,
    announced: Option<u64>,
) -> Result<(), Answer> {
    let Some(pass) = admitted.pass.as_ref().filter(|pass| pass.counts_use()) else { return Ok(()) };
    if charge_of(admitted, false) == Charge::Free {
        return Ok(());
    }
    unpriced(shared, admitted, pass, None)?;
    let of_text = admitted.surface().body() == kolm_core::Body::Json;
    let tokens = announced.filter(|_| of_text).map_or(0, charge::tokens_of);
    hold(shared, pass, Use { tokens, ..Use::default() })
}

/// How the price of this request is found.
fn charge_of(admitted: &Admitted, read: bool) -> Charge {
    charge::charge(admitted.method.as_str(), admitted.upstream_path(), admitted.surface(), read)
}

/// What has no known price is refused where money is limited, unless the namespace says otherwise.
fn unpriced(shared: &Shared, admitted: &Admitted, pass: &Pass, model: Option<&str>) -> Result<(), Answer> {
    if !pass.has_money() {
        return Ok(());
    }
    let settings = admitted.table.config.namespaces.get(&admitted.namespace);
    match settings.map_or(OnUnknownPrice::Refuse, |settings| settings.on_unknown_price) {
        OnUnknownPrice::Refuse => Err(refusal::unpriced(shared, model)),
        OnUnknownPrice::Allow => {
            shared.events.limit_unpriced();
            Ok(())
        }
    }
}

fn hold(shared: &Shared, pass: &Pass, ask: Use) -> Result<(), Answer> {
    let now = shared.env.clock.now();
    for seat in &pass.seats {
        let reserve = |state| {
            let (next, held) = limit::reserve(&seat.bounds, state, now, ask)?;
            seat.held.get_or_init(|| held);
            Ok((next, Step::Held(held)))
        };
        let reserved = seat.account.change(&seat.bounds, now, reserve);
        reserved.map_err(|no| refusal::answer(shared, seat.whose, &no))?;
    }
    Ok(())
}
