from test_histories import *  # noqa
def test_more(tables_in_process):
    run(tables_in_process, histories=1500, steps=25)
