//! A component of each kind other than `approver`, made from a few lines of WAT.
//! Each has a `letter` by which one version is told from another.

use super::{component, component_of, curious_package};

/// Memory, an allocator that begins anew after four megabytes (no call needs
/// more), a loop without end, and a `configure`
/// that takes anything.
const COMMON: &str = r#"
  (memory (export "memory") 16)
  (global $free (mut i32) (i32.const 262144))
  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (local $at i32) (local $end i32)
    (if (i32.gt_u (global.get $free) (i32.const 4194304))
      (then (global.set $free (i32.const 262144))))
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (local.set $end (i32.add (local.get $at) (local.get $size)))
    (block $enough
      (loop $more
        (br_if $enough (i32.le_u (local.get $end) (i32.mul (memory.size) (i32.const 65536))))
        (br_if $enough (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))
        (br $more)))
    (global.set $free (local.get $end))
    (local.get $at))
  (func (export "quarterdeck:policy/configuration@0.1.0#configure")
    (param i32 i32) (result i32)
    (i32.const 512))
  (func $spin (loop $ever (br $ever)))
  ;; The letter after `!` in a text that begins with it, else 0.
  (func $order (param $text i32) (param $length i32) (result i32)
    (if (i32.lt_u (local.get $length) (i32.const 2)) (then (return (i32.const 0))))
    (if (i32.ne (i32.load8_u (local.get $text)) (i32.const 33)) (then (return (i32.const 0))))
    (i32.load8_u offset=1 (local.get $text)))
"#;

/// A distributor that gives the first task that can run to the first worker and
/// lets the rest wait, unless the kind of the batch's first task begins with
/// `!`. It appends its letter to the state.
///
/// | kind | what the guest does |
/// | --- | --- |
/// | `!t` | traps |
/// | `!l` | loops for ever |
/// | `!2` | assigns the first task twice |
/// | `!w` | assigns to a worker that was not offered |
/// | `!g` | assigns every task to the first worker |
/// | `!f` | forgets the tasks that it does not assign |
/// | `!s` | hands over a state of more than 64 KiB |
/// | `!n` | counts its calls in the state instead |
pub(crate) fn dispatcher(letter: char) -> Vec<u8> {
    let letter = letter as u32;
    component(
        "distributor",
        &format!(
            r#"(module {COMMON}
  (data (i32.const 64) "later")
  (data (i32.const 80) "nobody")
  (global $assigned (mut i32) (i32.const 0))
  (global $calls (mut i32) (i32.const 0))

  (func $assign (param $task i32) (param $worker i32)
    (local $to i32)
    (local.set $to (i32.add (i32.const 65536) (i32.mul (global.get $assigned) (i32.const 16))))
    (i64.store (local.get $to) (i64.load (local.get $task)))
    (i64.store offset=8 (local.get $to) (i64.load (local.get $worker)))
    (global.set $assigned (i32.add (global.get $assigned) (i32.const 1))))

  (func (export "quarterdeck:policy/distribute@0.1.0#distribute")
    (param $tasks i32) (param $ntasks i32) (param $workers i32) (param $nworkers i32)
    (param $limit i32) (param $running i32) (param $state i32) (param $nstate i32)
    (param $time i64) (result i32)
    (local $order i32) (local $at i32) (local $task i32) (local $waits i32) (local $to i32)
    (global.set $assigned (i32.const 0))
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (if (local.get $ntasks)
      (then (local.set $order (call $order
        (i32.load offset=8 (local.get $tasks)) (i32.load offset=12 (local.get $tasks))))))
    (if (i32.eq (local.get $order) (i32.const 116)) (then (unreachable)))
    (if (i32.eq (local.get $order) (i32.const 108)) (then (call $spin)))
    (if (i32.eq (local.get $order) (i32.const 119))
      (then
        (local.set $workers (i32.const 96))
        (i32.store (i32.const 96) (i32.const 80))
        (i32.store (i32.const 100) (i32.const 6))
        (i32.store (i32.const 108) (i32.const 9))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $ntasks)))
        (local.set $task (i32.add (local.get $tasks) (i32.mul (local.get $at) (i32.const 80))))
        (if
          (i32.or
            (i32.eq (local.get $order) (i32.const 103))
            (i32.and
              (i32.and (i32.eqz (global.get $assigned)) (i32.gt_u (local.get $nworkers) (i32.const 0)))
              (i32.and
                (i32.and
                  (i32.eqz (i32.load offset=32 (local.get $task)))
                  (i32.lt_u (local.get $running) (local.get $limit)))
                (i32.lt_u
                  (i32.load offset=8 (local.get $workers))
                  (i32.load offset=12 (local.get $workers))))))
          (then
            (call $assign (local.get $task) (local.get $workers))
            (if (i32.eq (local.get $order) (i32.const 50))
              (then (call $assign (local.get $task) (local.get $workers)))))
          (else
            (if (i32.ne (local.get $order) (i32.const 102))
              (then
                (local.set $to
                  (i32.add (i32.const 131072) (i32.mul (local.get $waits) (i32.const 16))))
                (i64.store (local.get $to) (i64.load (local.get $task)))
                (i32.store offset=8 (local.get $to) (i32.const 64))
                (i32.store offset=12 (local.get $to) (i32.const 5))
                (local.set $waits (i32.add (local.get $waits) (i32.const 1)))))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (memory.copy (i32.const 180224) (local.get $state) (local.get $nstate))
    (i32.store8 (i32.add (i32.const 180224) (local.get $nstate)) (i32.const {letter}))
    (local.set $nstate (i32.add (local.get $nstate) (i32.const 1)))
    (if (i32.eq (local.get $order) (i32.const 110))
      (then
        (local.set $nstate (i32.const 1))
        (i32.store8 (i32.const 180224) (global.get $calls))))
    (if (i32.eq (local.get $order) (i32.const 115)) (then (local.set $nstate (i32.const 65537))))
    (i32.store (i32.const 1024) (i32.const 65536))
    (i32.store (i32.const 1028) (global.get $assigned))
    (i32.store (i32.const 1032) (i32.const 131072))
    (i32.store (i32.const 1036) (local.get $waits))
    (i32.store (i32.const 1040) (i32.const 180224))
    (i32.store (i32.const 1044) (local.get $nstate))
    (i32.const 1024)))"#
        ),
    )
}

/// A progress parser that answers each chunk with one update: its letter as
/// label, and how many chunks this parser has been fed as `completed`. If the
/// chunk's first piece is a text that begins with `!`, it does this instead:
///
/// | text | what the guest does |
/// | --- | --- |
/// | `!t` | traps |
/// | `!l` | loops for ever |
/// | `!p` | reports a percentage that is no number |
/// | `!o` | reports 250 percent |
pub(crate) fn teller(letter: char) -> Vec<u8> {
    let letter = letter as u32;
    component(
        "progress-parser",
        &format!(
            r#"(module
  (import "[export]quarterdeck:policy/parse-progress@0.1.0" "[resource-new]parser"
    (func $new (param i32) (result i32)))
  {COMMON}
  (global $fed (mut i32) (i32.const 0))
  (func (export "quarterdeck:policy/parse-progress@0.1.0#[constructor]parser")
    (param i32) (result i32)
    (call $new (i32.const 7)))
  (func (export "quarterdeck:policy/parse-progress@0.1.0#[method]parser.feed")
    (param $parser i32) (param $pieces i32) (param $count i32) (result i32)
    (local $order i32)
    (if (i32.ne (local.get $parser) (i32.const 7)) (then (unreachable)))
    (global.set $fed (i32.add (global.get $fed) (i32.const 1)))
    (if (local.get $count)
      (then
        (if (i32.eqz (i32.load8_u (local.get $pieces)))
          (then (local.set $order (call $order
            (i32.load offset=4 (local.get $pieces)) (i32.load offset=8 (local.get $pieces))))))))
    (if (i32.eq (local.get $order) (i32.const 116)) (then (unreachable)))
    (if (i32.eq (local.get $order) (i32.const 108)) (then (call $spin)))
    (memory.fill (i32.const 2048) (i32.const 0) (i32.const 72))
    (i32.store8 (i32.const 64) (i32.const {letter}))
    (i32.store offset=8 (i32.const 2048) (i32.const 64))
    (i32.store offset=12 (i32.const 2048) (i32.const 1))
    (i32.store8 offset=24 (i32.const 2048) (i32.const 1))
    (i64.store offset=32 (i32.const 2048) (i64.extend_i32_u (global.get $fed)))
    (if (i32.eq (local.get $order) (i32.const 112))
      (then
        (i32.store8 offset=56 (i32.const 2048) (i32.const 1))
        (f64.store offset=64 (i32.const 2048) (f64.const nan))))
    (if (i32.eq (local.get $order) (i32.const 111))
      (then
        (i32.store8 offset=56 (i32.const 2048) (i32.const 1))
        (f64.store offset=64 (i32.const 2048) (f64.const 250))))
    (i32.store (i32.const 1024) (i32.const 2048))
    (i32.store (i32.const 1028) (i32.const 1))
    (i32.const 1024)))"#
        ),
    )
}

/// A recovery that says `restart`, with its letter as reason, unless the
/// incident's detail begins with `!`. It asks the host for the time and writes
/// to its log, as approvers may not.
///
/// | detail | what the guest does |
/// | --- | --- |
/// | `!t` | traps |
/// | `!f` | fails over to the session `elsewhere` |
/// | `!w` | waits |
/// | `!r` | runs the command `elsewhere` |
/// | `!q` | answers with the number of calls that this instance has had as delay |
pub(crate) fn medic(letter: char) -> Vec<u8> {
    let letter = letter as u32;
    component(
        "recovery",
        &format!(
            r#"(module
  (import "quarterdeck:policy/host@0.1.0" "log" (func $log (param i32 i32 i32)))
  (import "quarterdeck:policy/host@0.1.0" "now-ms" (func $now (result i64)))
  {COMMON}
  (data (i32.const 64) "elsewhere")
  (global $calls (mut i32) (i32.const 0))
  (func (export "quarterdeck:policy/recover@0.1.0#decide") (param $incident i32) (result i32)
    (local $order i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (call $log (i32.const 1) (i32.const 64) (i32.const 9))
    (if (i64.lt_u (call $now) (i64.const 1600000000000)) (then (unreachable)))
    (local.set $order (call $order
      (i32.load offset=104 (local.get $incident)) (i32.load offset=108 (local.get $incident))))
    (if (i32.eq (local.get $order) (i32.const 116)) (then (unreachable)))
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 32))
    (i32.store8 (i32.const 128) (i32.const {letter}))
    (i32.store offset=4 (i32.const 1024) (i32.const 64))
    (i32.store offset=8 (i32.const 1024) (i32.const 9))
    (i32.store offset=12 (i32.const 1024) (i32.const 128))
    (i32.store offset=16 (i32.const 1024) (i32.const 1))
    (if (i32.eq (local.get $order) (i32.const 102))
      (then (i32.store8 (i32.const 1024) (i32.const 2))))
    (if (i32.eq (local.get $order) (i32.const 114))
      (then (i32.store8 (i32.const 1024) (i32.const 3))))
    (if (i32.eq (local.get $order) (i32.const 119))
      (then (i32.store8 (i32.const 1024) (i32.const 4))))
    (if (i32.eq (local.get $order) (i32.const 113))
      (then (i64.store offset=24 (i32.const 1024) (i64.extend_i32_u (global.get $calls)))))
    (i32.const 1024)))"#
        ),
    )
}

/// A recovery that asks WASI what it can see of this machine: it says `wait`,
/// for as many milliseconds as it sees variables, plus 100 for each folder,
/// plus 10,000 if the clock goes.
pub(crate) fn curious_medic() -> Vec<u8> {
    let (resolve, package) = curious_package("recovery");
    let wat = format!(
        r#"(module
  (import "wasi:cli/environment@0.2.0" "get-environment" (func $environment (param i32)))
  (import "wasi:clocks/wall-clock@0.2.0" "now" (func $now (param i32)))
  (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $folders (param i32)))
  {COMMON}
  (func (export "quarterdeck:policy/recover@0.1.0#decide") (param $incident i32) (result i32)
    (call $environment (i32.const 2048))
    (call $now (i32.const 2064))
    (call $folders (i32.const 2080))
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 32))
    (i32.store8 (i32.const 1024) (i32.const 4))
    (i64.store offset=24 (i32.const 1024)
      (i64.extend_i32_u
        (i32.add
          (i32.load (i32.const 2052))
          (i32.add
            (i32.mul (i32.load (i32.const 2084)) (i32.const 100))
            (i32.mul
              (i64.ne (i64.load (i32.const 2064)) (i64.const 0))
              (i32.const 10000))))))
    (i32.const 1024)))"#
    );
    component_of(resolve, package, "curious", wat::parse_str(wat).unwrap())
}
