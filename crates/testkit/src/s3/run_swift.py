"""run_swift.py FOLDER LOCK MIN_PART_BYTES: runs OpenStack Swift with its S3 API on 127.0.0.1 until nobody holds LOCK
any more, then removes FOLDER, which it makes and which holds all that it writes: the port is in FOLDER/port,
and all is up when there is FOLDER/ready.

Four processes: proxy, account, container and object server, one replica of everything. SIGUSR1 stops the
proxy, so that nobody listens on the port; SIGUSR2 starts it again.
"""

import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

folder, lock_file, min_part_bytes = sys.argv[1:]
programs = os.path.dirname(sys.executable)

COMMON = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
workers = 0
max_clients = 4096
disable_fallocate = true
fallocate_reserve = 0
log_level = WARNING
log_address = {folder}/no-syslog
eventlet_debug = false
"""

# A large object's parts are removed with it: nobody is there to do that later.
PROXY = """
[pipeline:main]
pipeline = catch_errors cache s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
cors_allow_origin = *
account_autocreate = true
node_timeout = 60
conn_timeout = 10
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
paste.filter_factory = cache_in_process:filter_factory
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
max_upload_part_num = 10000
min_segment_size = MIN_PART_BYTES
cors_preflight_allow_origin = *
[filter:tempauth]
use = egg:swift#tempauth
user_moc_uploads = secret .admin
fernet_key_1 = bW9jLXVwbG9hZHMgdGhyb3ctYXdheSB0ZXN0IGtleSE=
active_fernet_key_id = 1
[filter:slo]
use = egg:swift#slo
allow_async_delete = false
"""

# What is known of accounts and containers, in place of memcached. The one proxy makes all changes, so that
# nothing is ever out of date; asking for it would be half of what a request costs.
CACHE = """
class Cache:
    def __init__(self):
        self.items = {}
    def get(self, key, **_):
        return self.items.get(key)
    def set(self, key, value, **_):
        self.items[key] = value
    def delete(self, key):
        self.items.pop(key, None)

def filter_factory(global_conf, **local_conf):
    cache = Cache()
    def make(app):
        def serve(env, start_response):
            env["swift.cache"] = cache
            return app(env, start_response)
        return serve
    return make
"""

# A listing that is updated later would be wrong until then: whoever writes waits for it.
STORAGE = """
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
container_update_timeout = 60
node_timeout = 60
conn_timeout = 10
"""


def write(name, text):
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def configure():
    from swift.common.ring import RingBuilder

    user = pwd.getpwuid(os.geteuid()).pw_name
    os.makedirs(os.path.join(folder, "devices", "d1"))
    write("cache_in_process.py", CACHE)
    write("swift.conf", "[swift-hash]\nswift_hash_path_suffix = moc-uploads\n")
    ports = {}
    for kind in ["account", "container", "object"]:
        ports[kind] = free_port()
        builder = RingBuilder(part_power=2, replicas=1, min_part_hours=0)
        builder.add_dev({
            "id": 0, "region": 1, "zone": 1, "weight": 1, "device": "d1",
            "ip": "127.0.0.1", "port": ports[kind],
        })
        builder.rebalance()
        builder.get_ring().save(os.path.join(folder, kind + ".ring.gz"))
    ports["proxy"] = free_port()
    write("port", str(ports["proxy"]))
    for kind, at in ports.items():
        text = COMMON + (PROXY.replace("MIN_PART_BYTES", min_part_bytes) if kind == "proxy" else STORAGE)
        write(kind + ".conf", text.format(port=at, user=user, folder=folder, kind=kind))
    return ports


def start(kind):
    log = open(os.path.join(folder, kind + ".log"), "a")
    program = os.path.join(programs, "swift-%s-server" % kind)
    return subprocess.Popen(
        [sys.executable, program, os.path.join(folder, kind + ".conf"), "-v"],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ, PYTHONPATH=folder))


def stop(server):
    server.kill()
    server.wait()


def listens(at):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", at)) == 0


def token(port):
    """For Swift's own API, with which tests make buckets and look into them."""
    credentials = {"X-Storage-User": "moc:uploads", "X-Storage-Pass": "secret"}
    request = urllib.request.Request("http://127.0.0.1:%d/auth/v1.0" % port, headers=credentials)
    with urllib.request.urlopen(request) as answer:
        return answer.headers["X-Auth-Token"]


def check_folder():
    """Swift keeps what it knows of a file in the file's extended attributes."""
    os.makedirs(folder)
    probe = os.path.join(folder, "probe")
    write("probe", "")
    os.setxattr(probe, "user.swift", b"1")
    os.remove(probe)


def main():
    check_folder()
    ports = configure()
    servers = {kind: start(kind) for kind in ports}

    def change_proxy(number, _frame):
        if number == signal.SIGUSR1:
            stop(servers["proxy"])
        else:
            servers["proxy"] = start("proxy")

    signal.signal(signal.SIGUSR1, change_proxy)
    signal.signal(signal.SIGUSR2, change_proxy)
    write("pid", str(os.getpid()))
    while not all(listens(at) for at in ports.values()):
        for kind, server in servers.items():
            if server.poll() is not None:
                sys.exit("the %s server has ended: see %s" % (kind, folder))
        time.sleep(0.02)
    write("token", token(ports["proxy"]))
    write("ready", "")

    with open(lock_file) as lock:
        while True:
            fcntl.flock(lock, fcntl.LOCK_EX)
            fcntl.flock(lock, fcntl.LOCK_UN)
            # The next test of the run may be about to begin.
            time.sleep(2)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                continue
        for server in servers.values():
            stop(server)
        shutil.rmtree(folder, ignore_errors=True)


main()
