//! Serves a store for a second.

use std::{env, error::Error, net::Ipv4Addr, thread, time::Duration};

use opus_zarr_serve::{Guard, Options, Server, Service, Store};

fn main() -> Result<(), Box<dyn Error>> {
    let Some(store) = env::args().nth(1) else { return Ok(()) };
    let mut options = Options::default();
    options.guard = Guard::Token("sesame".to_owned());
    let service = Service::new(vec![(store.clone(), Store::open(store)?)], options)?;
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0), service, |access| println!("{access}"))?;
    println!("http://{}/", server.address());
    let stopper = server.stopper();
    thread::spawn(move || {
        thread::sleep(Duration::from_secs(1));
        stopper.stop();
    });
    server.wait();
    Ok(())
}
