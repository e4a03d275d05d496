"""Bags: conversion of messages, rosbag2 files, replay, evaluation and reports."""
