"""The interface for programs, held against its own document by schemathesis: no 5xx, no answer that isn't documented, every body as
its schema says.

    python tests/api/conform.py PROGRAM [SCHEMATHESIS]
"""
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

TABLES = {
    "a.csv": "区划代码,区划名称,区划类型,上级区划\n370481111000,柴胡店镇,镇,370481000000\n,第一总支,总支,370481111000\n"
    "370481111200,高桥村委会,村,第一总支\n",
    "s.csv": "人员编号,姓名,角色,所属区划,工作单位,手机号\nZ1,周正,领导小组,370481111000,镇党委,10000000001\n"
    "Z6,褚走,走访人员、网格员,高桥村,高桥村,10000000006\n",
    "o.csv": "对象编号,对象类型,对象名称,所属村,地址\nH1,家庭,王建国,高桥村,高桥村1号\nH2,家庭,李秀英,高桥村,高桥村2号\n",
    "f.csv": "对象编号,走访人员\nH1,Z6\nH2,Z6\n",
    "v.csv": "走访日期,走访人员,对象编号,群众姓名,联系方式,反映问题,有无问题,责任层级,类别,轻重缓急\n"
    "2022-03-05,Z6,H1,王建国,13800000001,村口路灯不亮,有,镇村自办,居住环境,急\n"
    "2022-03-08,Z6,H2,李秀英,13800000002,下水道堵塞,有,市直,其他,急\n",
}
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# As whom, for what, and what isn't theirs: wrong tokens are slowed, and what isn't answered isn't checked.
AS = {"Z1": (["status", "figures", "issues", "act", "visits"], []), "Z6": (["visits", "issues", "act"], ["status", "figures"])}


def main(program, schemathesis="schemathesis"):
    program = os.path.abspath(program)
    if os.sep in schemathesis:
        schemathesis = os.path.abspath(schemathesis)
    with tempfile.TemporaryDirectory(prefix="zoufang-api-") as folder:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            listen = "127.0.0.1:%d" % free.getsockname()[1]
        with open(f"{folder}/zoufang.toml", "w") as config:
            config.write(f"[database]\nurl = 'sqlite://zoufang.db'\n[http]\nlisten = '{listen}'\n")

        def run(*words):
            return subprocess.run([program, *words], cwd=folder, check=True, capture_output=True, text=True).stdout

        run("key", "zoufang.key")
        clock = ["--clock-start", "2022-03-20T09:00", "--clock-speed", "1"]
        for name, table in TABLES.items():
            with open(f"{folder}/{name}", "w") as file:
                file.write(table)
            run("import", name)
        tokens = {}
        for number, (scopes, _) in AS.items():
            words = [word for scope in scopes for word in ("--scope", scope)]
            said = run("account", "token", "give", "--title", "核对接口", "--as", number, "--by", "Z1", *words)
            tokens[number] = next(word for word in said.split() if word.startswith("zft_"))
        log = open(f"{folder}/serve.log", "w")
        serving = subprocess.Popen([program, "serve", *clock], cwd=folder, stderr=log, stdout=subprocess.DEVNULL)
        try:
            wait_for(f"http://{listen}/readyz")
            document = f"http://{listen}/api/v1/openapi.json"
            for number, (_, without) in AS.items():
                others = [word for path in without for word in ("--exclude-path", f"/api/v1/{path}")]
                subprocess.run(
                    [schemathesis, "run", document, "--checks", CHECKS, "--phases", "fuzzing,stateful", "--seed", "1",
                     "--max-examples", os.environ.get("EXAMPLES", "60"), *others,
                     "--header", f"Authorization: Bearer {tokens[number]}"],
                    cwd=folder, check=True)
        finally:
            serving.terminate()
            ended = serving.wait(30)
        with open(f"{folder}/serve.log") as log:
            assert ended == 0 and "panic" not in log.read(), "the service broke down"


def wait_for(address):
    for _ in range(300):
        try:
            if urllib.request.urlopen(address).status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{address} didn't answer")


if __name__ == "__main__":
    main(*sys.argv[1:])
