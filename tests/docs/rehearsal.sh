# The quickstart with a service that fails.
sed 's/echo "hello from boot .*$/exit 1'"'"'/' testdata/quickstart/quickstart.bu >config.bu
