//! What is made of the list of kinds: types that hold one of any kind, and the only places that
//! tell one kind from another.

/// From `Name: folder`, for each kind, to the types that hold one of any kind. The folder's name is
/// the kind's in the configuration and in policy, and the variant's in small letters.
macro_rules! kinds {
    ($($(#[$doc:meta])+ $Kind:ident: $kind:ident,)+) => {
        /// One entry of `targets`.
        #[derive(Clone, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
        #[serde(tag = "kind", rename_all = "lowercase")]
        #[non_exhaustive]
        pub enum TargetConfig {
            $($(#[$doc])+ $Kind($kind::Config),)+
        }

        /// How a target is reached.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub(crate) enum Endpoint {
            $($Kind(Arc<$kind::Endpoint>),)+
        }

        /// One thing to do at a resource, with the address as the user wrote it. The target it
        /// belongs to is found by [`Targets`](crate::targets::Targets), never taken from the text
        /// itself.
        #[derive(Clone, PartialEq, Eq, Debug)]
        #[non_exhaustive]
        pub enum Operation {
            $($(#[$doc])+ $Kind($kind::Operation),)+
        }

        /// What is to be done, and where within a target: an operation that was resolved, in one
        /// spelling only.
        #[derive(Clone, PartialEq, Eq, Debug)]
        #[non_exhaustive]
        pub enum Task {
            $($(#[$doc])+ $Kind($kind::Task),)+
        }

        /// What came back.
        #[derive(Clone, PartialEq, Eq, Debug, Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum Outcome {
            $($(#[$doc])+ $Kind($kind::Outcome),)+
            /// From this server itself, without any resource.
            Here(Answer),
            /// Any of them, when the service account came in the user's place.
            AsService(AsService),
        }

        /// The clients of all kinds of resources.
        pub struct Resources {
            $($kind: $kind::Client,)+
            /// What all of them keep.
            kept: Kept,
        }

        /// The names of the kinds, in the configuration and in policy.
        pub const KINDS: &[&str] = &[$(stringify!($kind),)+];

        /// What can be done at the resources of each kind.
        pub(crate) const ACTIONS: &[&[Action]] = &[$(<$kind::Client as Kind>::ACTIONS,)+];

        $(
            impl From<$kind::Operation> for Operation {
                fn from(operation: $kind::Operation) -> Self {
                    Self::$Kind(operation)
                }
            }

            impl From<$kind::Operation> for Request {
                fn from(operation: $kind::Operation) -> Self {
                    Self::Operation(operation.into())
                }
            }

            impl From<$kind::Outcome> for Outcome {
                fn from(outcome: $kind::Outcome) -> Self {
                    Self::$Kind(outcome)
                }
            }
        )+

        impl TargetConfig {
            /// Shows each file that it names, by the setting within it.
            pub fn each_file(&mut self, visit: &mut Visit<'_>) {
                match self {
                    $(Self::$Kind(config) => <$kind::Client as Kind>::each_file(config, visit),)+
                }
            }

            /// The target that it describes. `setting` says where it stands in the configuration.
            pub(crate) fn check(self, setting: &str) -> Result<Target, ConfigError> {
                match self {
                    $(Self::$Kind(config) => {
                        Target::new::<$kind::Client>(config, Endpoint::$Kind, setting)
                    })+
                }
            }
        }

        impl Endpoint {
            pub(crate) const fn kind(&self) -> &'static str {
                match self {
                    $(Self::$Kind(_) => stringify!($kind),)+
                }
            }

            pub(crate) fn host(&self) -> &str {
                match self {
                    $(Self::$Kind(endpoint) => <$kind::Client as Kind>::host(endpoint),)+
                }
            }

            pub(crate) fn port(&self) -> u16 {
                match self {
                    $(Self::$Kind(endpoint) => <$kind::Client as Kind>::port(endpoint),)+
                }
            }

            pub(crate) const fn actions(&self) -> &'static [Action] {
                match self {
                    $(Self::$Kind(_) => <$kind::Client as Kind>::ACTIONS,)+
                }
            }

            pub(crate) fn impersonator(&self) -> Option<Impersonator> {
                match self {
                    $(Self::$Kind(endpoint) => <$kind::Client as Kind>::impersonator(endpoint),)+
                }
            }

            pub(crate) const fn takes_services(&self) -> bool {
                match self {
                    $(Self::$Kind(_) => <$kind::Client as Kind>::TAKES_SERVICES,)+
                }
            }

            pub(crate) fn roots(&self, names: &Names) -> Vec<Root> {
                match self {
                    $(Self::$Kind(endpoint) => <$kind::Client as Kind>::roots(endpoint, names),)+
                }
            }

            /// Where a service logs in with what is its own: of that the setting, and what is wrong
            /// with what stands there now, if that is not what is used.
            pub(crate) async fn trouble(&self) -> Option<(String, Option<String>)> {
                match self {
                    $(Self::$Kind(endpoint) => <$kind::Client as Kind>::trouble(endpoint).await,)+
                }
            }

            pub(crate) fn check_apart(&self, old: &Self, of: &str) -> Result<(), Wrong> {
                match (self, old) {
                    $((Self::$Kind(new), Self::$Kind(old)) => {
                        <$kind::Client as Kind>::check_apart(new, old, of)
                    })+
                    _ => Ok(()),
                }
            }

            pub(crate) fn check_literal(&self, piece: &str) -> Result<(), String> {
                match self {
                    $(Self::$Kind(_) => <$kind::Client as Kind>::check_literal(piece),)+
                }
            }
        }

        impl Operation {
            /// The action's name in audit until the operation is resolved: `file:read`, `file:list`, `http:get`, ….
            #[must_use]
            pub fn action(&self) -> Cow<'static, str> {
                match self {
                    $(Self::$Kind(operation) => <$kind::Client as Kind>::action(operation),)+
                }
            }

            /// The address as the user wrote it.
            #[must_use]
            pub fn address(&self) -> &str {
                match self {
                    $(Self::$Kind(operation) => <$kind::Client as Kind>::address(operation),)+
                }
            }

            /// The first target that the address names, and what to do there.
            pub(crate) fn find<'t>(
                &self,
                targets: &'t [Arc<Target>],
            ) -> Result<(&'t Arc<Target>, Found<Task>), Unresolved> {
                match self {
                    $(Self::$Kind(operation) => {
                        let asked = <$kind::Client as Kind>::read(operation)?;
                        let is_one = |target: &&Arc<Target>| target.kind() == stringify!($kind);
                        if <$kind::Client as Kind>::names_none(&asked)
                            && targets.iter().filter(is_one).count() > 1
                        {
                            return Err(Unresolved::Several(<$kind::Client as Kind>::ADDRESS));
                        }
                        for target in targets {
                            let Endpoint::$Kind(endpoint) = target.endpoint() else { continue };
                            let names = target.names();
                            let found = <$kind::Client as Kind>::find(&asked, endpoint, names)?;
                            if let Some(Found { task, action, policy_path }) = found {
                                let task = Task::$Kind(task);
                                return Ok((target, Found { task, action, policy_path }));
                            }
                        }
                        Err(Unresolved::Unknown(<$kind::Client as Kind>::ADDRESS))
                    })+
                }
            }
        }

        impl Task {
            /// What it does to what the resource has.
            pub(crate) fn effect(&self) -> Effect {
                match self {
                    $(Self::$Kind(task) => <$kind::Client as Kind>::effect(task),)+
                }
            }

            /// What the audit log has beside of it.
            pub(crate) fn recorded(&self) -> Option<Recorded> {
                match self {
                    $(Self::$Kind(task) => <$kind::Client as Kind>::recorded(task),)+
                }
            }

            /// The place as the audit log names it, without what may be secret.
            #[must_use]
            pub fn recorded_path(&self) -> String {
                match self {
                    $(Self::$Kind(task) => <$kind::Client as Kind>::recorded_path(task),)+
                }
            }
        }

        impl Outcome {
            /// What callers are told beside it.
            #[must_use]
            pub fn beside(&self) -> Beside {
                match self {
                    $(Self::$Kind(outcome) => <$kind::Client as Kind>::beside(outcome),)+
                    Self::Here(_) => Beside::default(),
                    Self::AsService(as_service) => as_service.outcome.beside(),
                }
            }

            /// What the books say of it; nothing of what no resource answered.
            pub(crate) fn answered(&self) -> Option<Answered> {
                match self {
                    $(Self::$Kind(outcome) => Some(<$kind::Client as Kind>::answered(outcome)),)+
                    Self::Here(_) => None,
                    Self::AsService(as_service) => as_service.outcome.answered(),
                }
            }
        }

        impl Resources {
            /// Resource clients on this network.
            pub(crate) fn new(network: &Network, state: &Arc<State>) -> Self {
                let kept = Kept::new(open_files(), state.clone());
                Self { $($kind: Kind::new(network, &kept),)+ kept }
            }

            /// Ends what is kept for later calls; from then on nothing is. Before the process ends.
            pub(crate) async fn close(&self) {
                self.kept.close().await;
            }

            /// What is wrong with a target, as far as that shows without a user.
            pub(crate) async fn lacks(&self, cx: &CallContext, target: &Target) -> Vec<String> {
                match target.endpoint() {
                    $(Endpoint::$Kind(endpoint) => {
                        self.$kind.lacks(cx, target, endpoint).await
                    })+
                }
            }

            async fn reach(
                &self,
                cx: &CallContext,
                credential: &ServiceCredential<'_>,
            ) -> Result<Outcome, Failure> {
                match credential.permit().task() {
                    $(Task::$Kind(task) => {
                        self.$kind.perform(cx, credential, task).await.map(Outcome::$Kind)
                    })+
                }
            }
        }
    };
}

pub(super) use kinds;
