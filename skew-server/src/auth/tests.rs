use super::*;

fn ids() -> Arc<Ids> {
    Arc::new(Ids::new(&Config::new("b1").users, None))
}

fn authorizer() -> Authorizer {
    let config = Config {
        admin_secrets: vec![Secret::new("adm1n").unwrap()],
        stats_secrets: vec![Secret::new("st4ts").unwrap()],
        ..Config::new("b1")
    };
    Authorizer::new(&config, Arc::new(()), ids(), None).unwrap()
}

fn bearer(token: &str) -> Credentials {
    Credentials { authorization: Some(format!("Bearer {token}").into()), ..Credentials::default() }
}

#[tokio::test]
async fn the_stats_secret_reads_and_does_not_act() {
    let (authorizer, none) = (authorizer(), Credentials::default());
    assert_eq!(authorizer.reader(&bearer("st4ts")).await.unwrap().role, Role::Reader);
    assert_eq!(authorizer.admin(&bearer("st4ts"), None).await, Err(Refusal::ReadsOnly));
    assert_eq!(authorizer.admin(&none, Some("st4ts")).await, Err(Refusal::ReadsOnly));
    assert!(authorizer.reader(&bearer("adm1n")).await.is_ok());
    assert_eq!(authorizer.admin(&bearer("adm1n"), None).await.unwrap().name, "admin secret");
    assert_eq!(authorizer.admin(&bearer("x"), Some("adm1n")).await.unwrap().role, Role::Admin);
}

#[tokio::test]
async fn who_may_read_can_not_try_out_secrets_unseen() {
    let authorizer = authorizer();
    assert_eq!(authorizer.admin(&bearer("st4ts"), Some("guess")).await, Err(Refusal::Wrong));
    assert_eq!(authorizer.admin(&bearer("guess"), Some("st4ts")).await, Err(Refusal::Wrong));
}

#[tokio::test]
async fn others_are_refused_and_where_nobody_could_do_better_told_so() {
    let none = Credentials::default();
    assert_eq!(authorizer().reader(&bearer("wrong")).await, Err(Refusal::Wrong));
    assert_eq!(authorizer().reader(&none).await, Err(Refusal::Unknown));
    assert_eq!(authorizer().admin(&none, None).await, Err(Refusal::Unknown));
    let nobody = Authorizer::new(&Config::new("b1"), Arc::new(()), ids(), None).unwrap();
    assert_eq!(nobody.reader(&bearer("")).await, Err(Refusal::Closed));
    assert_eq!(nobody.admin(&bearer("x"), Some("")).await, Err(Refusal::Closed));
}

#[tokio::test]
async fn where_an_application_decides_its_no_is_no_closed_server() {
    struct Nobody;
    impl Hooks for Nobody {
        fn authorize_stats<'a>(&'a self, _: StatsRequest<'a>) -> Option<crate::hooks::Decision<'a>> {
            Some(Box::pin(std::future::ready(false)))
        }
    }
    let authorizer = Authorizer::new(&Config::new("b1"), Arc::new(Nobody), ids(), None).unwrap();
    assert_eq!(authorizer.reader(&Credentials::default()).await, Err(Refusal::Unknown));
}
