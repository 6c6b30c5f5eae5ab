//! Flags of `quarterdeck worker`.

use quarterdeck_nats::MachineName;

/// As what this machine takes tasks.
#[derive(Debug, clap::Args)]
pub(crate) struct WorkerArguments {
    /// The NATS server, as nats://host:port [default: nats.url of the configuration]
    #[arg(long, value_name = "URL")]
    pub nats: Option<String>,
    /// What this machine has, separated by commas: tasks that ask for other tags go elsewhere
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub tags: Vec<String>,
    /// How many tasks run at once [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub slots: Option<u32>,
    /// What it is called; no two alike [default: the machine's name on the network]
    #[arg(long, value_name = "NAME")]
    pub name: Option<MachineName>,
    /// When told to stop, how long to wait for tasks that run before they are handed back
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub grace: u64,
}
