"""RQ jobs: open the process's application, call one service, repeat while there is work."""
