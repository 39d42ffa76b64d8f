#!/bin/sh
[ "$(timeout 3 redis-cli ping)" = PONG ]
